/* Classifies a raw photo from C: 8-bit RGB, as `convert photo.JPEG rgb:photo.rgb` writes it.
 *
 *   classify CHECKPOINT PHOTO.rgb
 */
#include <backdrop/backdrop.h>
#include <stdio.h>
#include <stdlib.h>

static int complain(backdrop_status status) {
  fprintf(stderr, "classify: %s\n", backdrop_last_error());
  return (int)status;
}

/* The photo's bytes, to be freed; NULL if the file is not as long as it should be. */
static uint8_t* read_raw(const char* path, size_t bytes) {
  FILE* file = fopen(path, "rb");
  uint8_t* pixels = malloc(bytes);
  if (file == NULL || pixels == NULL || fread(pixels, 1, bytes, file) != bytes) {
    free(pixels);
    pixels = NULL;
  }
  if (file != NULL) fclose(file);
  return pixels;
}

static backdrop_status classify(backdrop_session* session, const backdrop_model_info* info,
                                const uint8_t* pixels, int32_t* prediction) {
  const size_t bytes = (size_t)info->height * (size_t)info->width * 3;
  const backdrop_image image = {sizeof image, pixels, bytes, info->height, info->width};
  float* logits = malloc((size_t)info->classes * sizeof *logits);
  if (logits == NULL) return BACKDROP_FAILED;
  const backdrop_status status =
      backdrop_session_classify(session, &image, 1, logits, (size_t)info->classes, prediction);
  free(logits);
  return status;
}

int main(int argc, char** argv) {
  backdrop_model* model = NULL;
  backdrop_session* session = NULL;
  backdrop_model_info info = {0};
  info.size = sizeof info;
  if (argc != 3) {
    fprintf(stderr, "usage: classify CHECKPOINT PHOTO.rgb\n");
    return BACKDROP_USAGE;
  }
  backdrop_status status = backdrop_model_load(argv[1], NULL, &model);
  if (status == BACKDROP_OK) status = backdrop_model_get_info(model, &info);
  if (status == BACKDROP_OK) status = backdrop_session_open(model, NULL, &session);
  if (status != BACKDROP_OK) return complain(status);

  uint8_t* pixels = read_raw(argv[2], (size_t)info.height * (size_t)info.width * 3);
  if (pixels == NULL) {
    fprintf(stderr, "classify: %s is no raw photo of %d x %d\n", argv[2], (int)info.height, (int)info.width);
    return BACKDROP_BAD_INPUT;
  }
  int32_t prediction = -1;
  status = classify(session, &info, pixels, &prediction);
  free(pixels);
  if (status == BACKDROP_OK)
    printf("%s: class %d of %d\n", info.architecture, (int)prediction, (int)info.classes);
  backdrop_session_free(session);
  backdrop_model_free(model);
  return status == BACKDROP_OK ? 0 : complain(status);
}
