#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

/* One foreground on one background, both the same photo: so is their composite. */
backdrop_data* copy_data(const backdrop_image* image) {
  uint8_t* mask = calloc(kPixels, 1);
  CHECK(mask != NULL);
  memset(mask, 1, kPixels / 4);
  const backdrop_mask mask_view = {sizeof mask_view, mask, kPixels, kSide, kSide};
  const backdrop_foreground foreground = {sizeof foreground, "f", *image, mask_view, 0};
  const backdrop_background background = {sizeof background, "b", *image, 0};
  backdrop_data* data = NULL;
  CHECK_OK(backdrop_data_copy(&foreground, 1, &background, 1, NULL, 0, &data));
  free(mask);
  return data;
}

backdrop_data* build_data(const backdrop_image* image, const char* const* names, size_t count) {
  uint8_t* mask = calloc(kPixels, 1);
  CHECK(mask != NULL);
  const backdrop_mask mask_view = {sizeof mask_view, mask, kPixels, kSide, kSide};
  backdrop_data_builder* builder = NULL;
  CHECK_OK(backdrop_data_builder_new(NULL, 0, &builder));
  for (size_t i = 0; i < count; ++i) {
    const backdrop_foreground foreground = {sizeof foreground, names[i], *image, mask_view, (int32_t)i};
    const backdrop_background background = {sizeof background, names[i], *image, 8};
    CHECK_OK(backdrop_data_builder_add_foreground(builder, &foreground));
    CHECK_OK(backdrop_data_builder_add_background(builder, &background));
  }
  free(mask);
  backdrop_data* data = NULL;
  CHECK_OK(backdrop_data_builder_finish(builder, &data));
  backdrop_data_builder_free(builder);
  return data;
}

void open_handles(const char* checkpoint, handles* opened) {
  memset(opened, 0, sizeof *opened);
  opened->checkpoint = checkpoint;
  opened->pixels = noise(3);
  opened->image = image_of(opened->pixels);
  CHECK_OK(backdrop_model_load(checkpoint, NULL, &opened->model));
  CHECK_OK(backdrop_session_open(opened->model, NULL, &opened->session));
  opened->data = copy_data(&opened->image);
  CHECK_OK(backdrop_search(opened->session, opened->data, NULL, &opened->answers));
}

void free_handles(handles* opened) {
  backdrop_answers_free(opened->answers);
  backdrop_data_free(opened->data);
  backdrop_session_free(opened->session);
  backdrop_model_free(opened->model);
  free(opened->pixels);
}

backdrop_model* parse_file(const char* checkpoint) {
  FILE* file = fopen(checkpoint, "rb");
  CHECK(file != NULL && fseek(file, 0, SEEK_END) == 0);
  const long length = ftell(file);
  rewind(file);
  char* bytes = malloc((size_t)length);
  CHECK(bytes != NULL && fread(bytes, 1, (size_t)length, file) == (size_t)length);
  fclose(file);
  backdrop_model* model = NULL;
  CHECK_OK(backdrop_model_parse(bytes, (size_t)length, NULL, &model));
  free(bytes);
  return model;
}
