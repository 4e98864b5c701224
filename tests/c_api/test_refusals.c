/* Every function with each of its pointers NULL in turn, and every struct with sizes that are none. */
#include <stdio.h>
#include <string.h>

#include "check.h"

/* `call` is refused for every size that `object` cannot have; `object` ends as it was. */
#define CHECK_SIZES(object, call)                                                     \
  do {                                                                                \
    const size_t right = (object).size;                                               \
    const size_t wrong[] = {0, 1, 8, right / 2, right - 1, 4097, 1u << 30, SIZE_MAX}; \
    for (size_t s = 0; s < sizeof wrong / sizeof wrong[0]; ++s) {                     \
      (object).size = wrong[s];                                                       \
      CHECK_USAGE(call);                                                              \
    }                                                                                 \
    (object).size = right;                                                            \
  } while (0)

static void refuse_models(const handles* good) {
  backdrop_model* model = good->model; /* to see it become NULL */
  CHECK_USAGE(backdrop_model_load(NULL, NULL, &model));
  CHECK(model == NULL);
  CHECK_USAGE(backdrop_model_load(good->checkpoint, NULL, NULL));
  CHECK_USAGE(backdrop_model_parse(NULL, 16, NULL, &model));
  CHECK_USAGE(backdrop_model_parse("no checkpoint", 13, NULL, NULL));
  CHECK_STATUS(backdrop_model_parse("no checkpoint", 0, NULL, &model), BACKDROP_BAD_INPUT);
  backdrop_load_options options = {0};
  options.size = sizeof options;
  CHECK_SIZES(options, backdrop_model_load(good->checkpoint, &options, &model));
  CHECK_SIZES(options, backdrop_model_parse("no checkpoint", 13, &options, &model));
  backdrop_model_info info = {0};
  info.size = sizeof info;
  CHECK_USAGE(backdrop_model_get_info(NULL, &info));
  CHECK_USAGE(backdrop_model_get_info(good->model, NULL));
  CHECK_SIZES(info, backdrop_model_get_info(good->model, &info));
  int32_t labels[kClasses] = {0};
  CHECK_USAGE(backdrop_model_get_in9_labels(NULL, labels, kClasses));
  CHECK_USAGE(backdrop_model_get_in9_labels(good->model, NULL, kClasses));
  CHECK_USAGE(backdrop_model_get_in9_labels(good->model, labels, 0));
  CHECK_USAGE(backdrop_model_get_in9_labels(good->model, labels, SIZE_MAX));
  backdrop_model_free(NULL);
}

static void refuse_sessions(const handles* good) {
  backdrop_session* session = good->session;
  CHECK_USAGE(backdrop_session_open(NULL, NULL, &session));
  CHECK(session == NULL);
  CHECK_USAGE(backdrop_session_open(good->model, NULL, NULL));
  backdrop_open_options options = {0};
  options.size = sizeof options;
  CHECK_SIZES(options, backdrop_session_open(good->model, &options, &session));
  float logits[kClasses];
  int32_t prediction = 0;
  backdrop_image image = good->image;
  CHECK_USAGE(backdrop_session_classify(NULL, &image, 1, logits, kClasses, &prediction));
  CHECK_USAGE(backdrop_session_classify(good->session, NULL, 1, logits, kClasses, &prediction));
  CHECK_USAGE(backdrop_session_classify(good->session, &image, 1, NULL, kClasses, &prediction));
  CHECK_USAGE(backdrop_session_classify(good->session, &image, 1, logits, 0, &prediction));
  CHECK_USAGE(backdrop_session_classify(good->session, &image, SIZE_MAX, logits, kClasses, &prediction));
  CHECK_SIZES(image, backdrop_session_classify(good->session, &image, 1, logits, kClasses, &prediction));
  image.pixels = NULL;
  CHECK_USAGE(backdrop_session_classify(good->session, &image, 1, logits, kClasses, &prediction));
  CHECK(backdrop_session_description(NULL) == NULL);
  backdrop_session_free(NULL);
}

static void refuse_devices(void) {
  CHECK_USAGE(backdrop_devices_find(NULL));
  CHECK(backdrop_devices_count(NULL) == 0);
  backdrop_devices* devices = NULL;
  backdrop_device device = {0};
  device.size = sizeof device;
  CHECK_USAGE(backdrop_devices_get(NULL, 0, &device));
  CHECK_OK(backdrop_devices_find(&devices));
  CHECK_USAGE(backdrop_devices_get(devices, 0, NULL));
  CHECK_USAGE(backdrop_devices_get(devices, backdrop_devices_count(devices), &device));
  CHECK_USAGE(backdrop_devices_get(devices, SIZE_MAX, &device));
  CHECK_SIZES(device, backdrop_devices_get(devices, 0, &device));
  backdrop_devices_free(devices);
  backdrop_devices_free(NULL);
}

static void refuse_photos(void) {
  backdrop_photo* photo = NULL;
  backdrop_image image = {0};
  image.size = sizeof image;
  CHECK_USAGE(backdrop_photo_read(NULL, &photo));
  CHECK_USAGE(backdrop_photo_read("no-such-photo.png", NULL));
  CHECK_STATUS(backdrop_photo_read("no-such-photo.png", &photo), BACKDROP_BAD_INPUT);
  CHECK(photo == NULL);
  CHECK_USAGE(backdrop_photo_get_image(NULL, &image));
  backdrop_photo_free(NULL);
}

static void refuse_items(const handles* good) {
  backdrop_item item = {0};
  item.size = sizeof item;
  CHECK_USAGE(backdrop_data_get_foreground(NULL, 0, &item));
  CHECK_USAGE(backdrop_data_get_background(NULL, 0, &item));
  CHECK_USAGE(backdrop_data_get_foreground(good->data, 0, NULL));
  CHECK_USAGE(backdrop_data_get_background(good->data, 0, NULL));
  CHECK_USAGE(backdrop_data_get_foreground(good->data, 1, &item));
  CHECK_USAGE(backdrop_data_get_background(good->data, SIZE_MAX, &item));
  CHECK_SIZES(item, backdrop_data_get_foreground(good->data, 0, &item));
  CHECK_SIZES(item, backdrop_data_get_background(good->data, 0, &item));
}

static void refuse_parts(const handles* good) {
  const int32_t zero = 0;
  const int32_t one = 1;
  const int32_t twice[2] = {0, 0};
  backdrop_data* part = good->data;
  CHECK_USAGE(backdrop_data_part(NULL, &zero, 1, &zero, 1, &part));
  CHECK(part == NULL);
  CHECK_USAGE(backdrop_data_part(good->data, NULL, 1, &zero, 1, &part));
  CHECK_USAGE(backdrop_data_part(good->data, &zero, 1, NULL, 1, &part));
  CHECK_USAGE(backdrop_data_part(good->data, &zero, 1, &zero, 1, NULL));
  CHECK_USAGE(backdrop_data_part(good->data, &zero, 0, &zero, 1, &part));
  CHECK_USAGE(backdrop_data_part(good->data, &zero, 1, NULL, 0, &part));
  CHECK_USAGE(backdrop_data_part(good->data, &one, 1, &zero, 1, &part));
  CHECK_USAGE(backdrop_data_part(good->data, &zero, 1, twice, 2, &part));
  CHECK(part == NULL);
}

static void refuse_views(const handles* good) {
  backdrop_image image = {0};
  image.size = sizeof image;
  backdrop_mask mask = {0};
  mask.size = sizeof mask;
  CHECK_USAGE(backdrop_data_get_foreground_photo(NULL, 0, &image));
  CHECK_USAGE(backdrop_data_get_foreground_photo(good->data, 0, NULL));
  CHECK_USAGE(backdrop_data_get_foreground_photo(good->data, 1, &image));
  CHECK_SIZES(image, backdrop_data_get_foreground_photo(good->data, 0, &image));
  CHECK_USAGE(backdrop_data_get_foreground_mask(NULL, 0, &mask));
  CHECK_USAGE(backdrop_data_get_foreground_mask(good->data, 0, NULL));
  CHECK_USAGE(backdrop_data_get_foreground_mask(good->data, SIZE_MAX, &mask));
  CHECK_SIZES(mask, backdrop_data_get_foreground_mask(good->data, 0, &mask));
  CHECK_USAGE(backdrop_data_get_background_photo(NULL, 0, &image));
  CHECK_USAGE(backdrop_data_get_background_photo(good->data, 0, NULL));
  CHECK_USAGE(backdrop_data_get_background_photo(good->data, 1, &image));
  CHECK_SIZES(image, backdrop_data_get_background_photo(good->data, 0, &image));
  backdrop_photo* photo = NULL;
  CHECK_USAGE(backdrop_data_composite(NULL, 0, 0, &photo));
  CHECK_USAGE(backdrop_data_composite(good->data, 0, 0, NULL));
  CHECK_USAGE(backdrop_data_composite(good->data, 1, 0, &photo));
  CHECK_USAGE(backdrop_data_composite(good->data, 0, 1, &photo));
  CHECK(photo == NULL);
}

static void refuse_builders(const handles* good) {
  uint8_t values[12] = {0};
  const backdrop_image image = {sizeof image, values, 12, 2, 2};
  const backdrop_mask mask = {sizeof mask, values, 4, 2, 2};
  backdrop_foreground foreground = {sizeof foreground, NULL, image, mask, 0};
  backdrop_background background = {sizeof background, NULL, image, 0};
  backdrop_data_builder* builder = NULL;
  CHECK_USAGE(backdrop_data_builder_new(NULL, 0, NULL));
  CHECK_USAGE(backdrop_data_builder_new(NULL, 9, &builder));
  CHECK_USAGE(backdrop_data_builder_add_foreground(NULL, &foreground));
  CHECK_USAGE(backdrop_data_builder_add_background(NULL, &background));
  backdrop_data* data = good->data;
  CHECK_USAGE(backdrop_data_builder_finish(NULL, &data));
  CHECK(data == NULL);
  CHECK_OK(backdrop_data_builder_new(NULL, 0, &builder));
  CHECK_USAGE(backdrop_data_builder_add_foreground(builder, NULL));
  CHECK_USAGE(backdrop_data_builder_add_background(builder, NULL));
  CHECK_SIZES(foreground, backdrop_data_builder_add_foreground(builder, &foreground));
  CHECK_SIZES(background, backdrop_data_builder_add_background(builder, &background));
  CHECK_USAGE(backdrop_data_builder_finish(builder, NULL));
  CHECK_USAGE(backdrop_data_builder_finish(builder, &data));
  backdrop_data_builder_free(builder);
  backdrop_data_builder_free(NULL);
}

/* As if it were a later version's: what lies behind it belongs to the struct around it. */
#define CHECK_LARGER(inner, call)                                                  \
  do {                                                                             \
    (inner).size = 4096;                                                           \
    CHECK_USAGE(call);                                                             \
    CHECK(strstr(backdrop_last_error(), "of 4096 bytes inside a struct") != NULL); \
    (inner).size = sizeof(inner);                                                  \
  } while (0)

static void refuse_data(const handles* good) {
  uint8_t values[4] = {0};
  const backdrop_image image = {sizeof image, good->image.pixels, 12, 2, 2};
  const backdrop_mask mask = {sizeof mask, values, sizeof values, 2, 2};
  backdrop_foreground foreground = {sizeof foreground, NULL, image, mask, 0};
  backdrop_background background = {sizeof background, NULL, image, 0};
  backdrop_data* data = good->data;
  CHECK_USAGE(backdrop_data_load(NULL, 0, &data));
  CHECK(data == NULL);
  CHECK_USAGE(backdrop_data_load("no-such-folder", 0, NULL));
  CHECK_USAGE(backdrop_data_load("no-such-folder", -1, &data));
  CHECK_STATUS(backdrop_data_load("no-such-folder", 0, &data), BACKDROP_BAD_INPUT);
  CHECK_USAGE(backdrop_data_copy(NULL, 1, &background, 1, NULL, 0, &data));
  CHECK_USAGE(backdrop_data_copy(&foreground, 1, NULL, 1, NULL, 0, &data));
  CHECK_USAGE(backdrop_data_copy(&foreground, 1, &background, 1, NULL, 9, &data));
  CHECK_USAGE(backdrop_data_copy(&foreground, 1, &background, 1, NULL, 0, NULL));
  CHECK_USAGE(backdrop_data_copy(&foreground, 0, &background, 1, NULL, 0, &data));
  CHECK_USAGE(backdrop_data_copy(&foreground, 1, &background, 0, NULL, 0, &data));
  CHECK_SIZES(foreground, backdrop_data_copy(&foreground, 1, &background, 1, NULL, 0, &data));
  CHECK_SIZES(background, backdrop_data_copy(&foreground, 1, &background, 1, NULL, 0, &data));
  CHECK_SIZES(foreground.photo, backdrop_data_copy(&foreground, 1, &background, 1, NULL, 0, &data));
  CHECK_SIZES(foreground.mask, backdrop_data_copy(&foreground, 1, &background, 1, NULL, 0, &data));
  CHECK_SIZES(background.photo, backdrop_data_copy(&foreground, 1, &background, 1, NULL, 0, &data));
  CHECK_LARGER(foreground.photo, backdrop_data_copy(&foreground, 1, &background, 1, NULL, 0, &data));
  CHECK_LARGER(foreground.mask, backdrop_data_copy(&foreground, 1, &background, 1, NULL, 0, &data));
  CHECK_LARGER(background.photo, backdrop_data_copy(&foreground, 1, &background, 1, NULL, 0, &data));
  foreground.photo.pixels = NULL;
  CHECK_USAGE(backdrop_data_copy(&foreground, 1, &background, 1, NULL, 0, &data));
  backdrop_data_info info = {0};
  info.size = sizeof info;
  CHECK_USAGE(backdrop_data_get_info(NULL, &info));
  CHECK_USAGE(backdrop_data_get_info(good->data, NULL));
  CHECK_SIZES(info, backdrop_data_get_info(good->data, &info));
  backdrop_data_free(NULL);
}

static int32_t answers_nothing(void* user, const uint8_t* photos, size_t count, int32_t height, int32_t width,
                               float* logits) {
  (void)user, (void)photos, (void)count, (void)height, (void)width, (void)logits;
  return 1;
}

static void refuse_searches(const handles* good) {
  backdrop_answers* answers = good->answers;
  backdrop_classifier classifier = {0};
  classifier.size = sizeof classifier;
  classifier.classes = kClasses;
  classifier.classify = answers_nothing;
  CHECK_USAGE(backdrop_search(NULL, good->data, NULL, &answers));
  CHECK(answers == NULL);
  CHECK_USAGE(backdrop_search(good->session, NULL, NULL, &answers));
  CHECK_USAGE(backdrop_search(good->session, good->data, NULL, NULL));
  CHECK_USAGE(backdrop_search_with(NULL, good->data, NULL, &answers));
  CHECK_USAGE(backdrop_search_with(&classifier, NULL, NULL, &answers));
  CHECK_USAGE(backdrop_search_with(&classifier, good->data, NULL, NULL));
  backdrop_search_options options = {0};
  options.size = sizeof options;
  CHECK_SIZES(options, backdrop_search(good->session, good->data, &options, &answers));
  CHECK_SIZES(options, backdrop_search_with(&classifier, good->data, &options, &answers));
  CHECK_SIZES(classifier, backdrop_search_with(&classifier, good->data, NULL, &answers));
  backdrop_answers_info info = {0};
  info.size = sizeof info;
  CHECK_USAGE(backdrop_answers_get_info(NULL, &info));
  CHECK_USAGE(backdrop_answers_get_info(good->answers, NULL));
  CHECK_SIZES(info, backdrop_answers_get_info(good->answers, &info));
  backdrop_answers_free(NULL);
}

void refuse_everything(const handles* good) {
  refuse_models(good);
  refuse_sessions(good);
  refuse_devices();
  refuse_photos();
  refuse_items(good);
  refuse_parts(good);
  refuse_views(good);
  refuse_builders(good);
  refuse_data(good);
  refuse_searches(good);
}

void test_refusals(const char* checkpoint) {
  CHECK(backdrop_last_error()[0] == '\0');
  char headers[32];
  snprintf(headers, sizeof headers, "%d.%d.%d", BACKDROP_VERSION_MAJOR, BACKDROP_VERSION_MINOR,
           BACKDROP_VERSION_PATCH);
  CHECK(strcmp(backdrop_version(), headers) == 0);
  handles good;
  open_handles(checkpoint, &good);
  refuse_everything(&good);
  backdrop_answers_info info = {0}; /* and nothing came to harm */
  info.size = sizeof info;
  CHECK_OK(backdrop_answers_get_info(good.answers, &info));
  CHECK(info.foregrounds == 1 && info.backgrounds == 1 && info.complete == 1);
  free_handles(&good);
}
