#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

enum { kSmall = 16, kSmallBytes = kSmall * kSmall * 3, kForegrounds = 3, kBackgrounds = 20 };

/* Photos of 16 x 16: background b is all of value b, foregrounds are black with a mask of the lower half. */
typedef struct scene {
  uint8_t black[kSmallBytes];
  uint8_t grey[kBackgrounds][kSmallBytes];
  uint8_t mask[kSmall * kSmall];
  backdrop_foreground foregrounds[kForegrounds];
  backdrop_background backgrounds[kBackgrounds];
} scene;

static scene* make_scene(void) {
  scene* made = calloc(1, sizeof *made);
  CHECK(made != NULL);
  for (int i = kSmall * kSmall / 2; i < kSmall * kSmall; ++i) made->mask[i] = 1;
  const backdrop_image black = {sizeof black, made->black, kSmallBytes, kSmall, kSmall};
  const backdrop_mask mask = {sizeof mask, made->mask, kSmall * kSmall, kSmall, kSmall};
  for (int f = 0; f < kForegrounds; ++f) {
    const backdrop_foreground foreground = {sizeof foreground, "foreground", black, mask, f};
    made->foregrounds[f] = foreground;
  }
  for (int b = 0; b < kBackgrounds; ++b) {
    memset(made->grey[b], b, kSmallBytes);
    const backdrop_image grey = {sizeof grey, made->grey[b], kSmallBytes, kSmall, kSmall};
    const backdrop_background background = {sizeof background, "background", grey, b % kClasses};
    made->backgrounds[b] = background;
  }
  return made;
}

static backdrop_data* data_of(const scene* made) {
  backdrop_data* data = NULL;
  CHECK_OK(
      backdrop_data_copy(made->foregrounds, kForegrounds, made->backgrounds, kBackgrounds, NULL, 0, &data));
  return data;
}

/* Class 0 on even greys, class 1 on odd ones: foreground 0 is fooled by the odd ones, 1 by the even, 2 by
 * all. */
static int32_t by_grey(void* user, const uint8_t* photos, size_t count, int32_t height, int32_t width,
                       float* logits) {
  const size_t bytes = (size_t)height * (size_t)width * 3;
  *(size_t*)user += count;
  for (size_t i = 0; i < count; ++i) {
    if (photos[i * bytes + bytes - 1] != 0) return 7; /* the foreground's half is black */
    for (int c = 0; c < kClasses; ++c)
      logits[i * kClasses + (size_t)c] = photos[i * bytes] % 2 == c ? 1.f : 0.f;
  }
  return 0;
}

static int32_t fails(void* user, const uint8_t* photos, size_t count, int32_t height, int32_t width,
                     float* logits) {
  (void)user, (void)photos, (void)count, (void)height, (void)width, (void)logits;
  return 42;
}

static backdrop_classifier classifier_of(size_t* asked) {
  const backdrop_classifier classifier = {sizeof classifier, "by grey", NULL, kClasses, 4, asked, by_grey};
  return classifier;
}

static void refuses_data(scene* made) {
  backdrop_data* data = NULL;
  const backdrop_foreground* foregrounds = made->foregrounds;
  const backdrop_background* backgrounds = made->backgrounds;
  CHECK_USAGE(backdrop_data_load(NULL, 0, &data));
  CHECK_USAGE(backdrop_data_load("no-such-folder", 0, NULL));
  CHECK_STATUS(backdrop_data_load("no-such-folder", 0, &data), BACKDROP_BAD_INPUT);
  CHECK_USAGE(backdrop_data_copy(foregrounds, 1, backgrounds, 1, NULL, 0, NULL));
  CHECK_USAGE(backdrop_data_copy(NULL, 1, backgrounds, 1, NULL, 0, &data));
  CHECK_USAGE(backdrop_data_copy(foregrounds, 1, NULL, 1, NULL, 0, &data));
  CHECK_USAGE(backdrop_data_copy(NULL, 0, NULL, 0, NULL, 0, &data));
  CHECK_USAGE(backdrop_data_copy(foregrounds, 1, backgrounds, 1, NULL, 9, &data));
  const char* const names[2] = {"one", NULL};
  CHECK_USAGE(backdrop_data_copy(foregrounds, 1, backgrounds, 1, names, 2, &data));
  backdrop_foreground bad = made->foregrounds[0];
  bad.size -= 1;
  CHECK_USAGE(backdrop_data_copy(&bad, 1, backgrounds, 1, NULL, 0, &data));
  bad = made->foregrounds[0];
  bad.photo.size = 0;
  CHECK_USAGE(backdrop_data_copy(&bad, 1, backgrounds, 1, NULL, 0, &data));
  bad = made->foregrounds[0];
  bad.mask.bytes = 3;
  CHECK_USAGE(backdrop_data_copy(&bad, 1, backgrounds, 1, NULL, 0, &data));
  bad = made->foregrounds[0];
  bad.mask.values = NULL;
  CHECK_USAGE(backdrop_data_copy(&bad, 1, backgrounds, 1, NULL, 0, &data));
  bad = made->foregrounds[0];
  bad.label = 9;
  CHECK_USAGE(backdrop_data_copy(&bad, 1, backgrounds, 1, NULL, 0, &data));
  made->mask[0] = 2;
  CHECK_USAGE(backdrop_data_copy(foregrounds, 1, backgrounds, 1, NULL, 0, &data));
  made->mask[0] = 0;
  CHECK_USAGE(backdrop_data_get_info(NULL, NULL));
  CHECK(data == NULL);
  backdrop_data_free(NULL);
}

static void refuses_searches(const backdrop_data* data) {
  size_t asked = 0;
  backdrop_answers* answers = NULL;
  backdrop_classifier classifier = classifier_of(&asked);
  CHECK_USAGE(backdrop_search(NULL, data, NULL, &answers));
  CHECK_USAGE(backdrop_search_with(NULL, data, NULL, &answers));
  CHECK_USAGE(backdrop_search_with(&classifier, NULL, NULL, &answers));
  CHECK_USAGE(backdrop_search_with(&classifier, data, NULL, NULL));
  classifier.size = 4;
  CHECK_USAGE(backdrop_search_with(&classifier, data, NULL, &answers));
  classifier = classifier_of(&asked);
  classifier.classify = NULL;
  CHECK_USAGE(backdrop_search_with(&classifier, data, NULL, &answers));
  classifier = classifier_of(&asked);
  classifier.classes = -1;
  CHECK_USAGE(backdrop_search_with(&classifier, data, NULL, &answers));
  classifier = classifier_of(&asked);
  classifier.classify = fails;
  CHECK_STATUS(backdrop_search_with(&classifier, data, NULL, &answers), BACKDROP_FAILED);
  CHECK(strstr(backdrop_last_error(), "42") != NULL);
  classifier = classifier_of(&asked);
  backdrop_search_options options = {0};
  CHECK_USAGE(backdrop_search_with(&classifier, data, &options, &answers));
  options.size = sizeof options;
  options.mode = 3;
  CHECK_USAGE(backdrop_search_with(&classifier, data, &options, &answers));
  options.mode = 0;
  options.existing = -1;
  CHECK_USAGE(backdrop_search_with(&classifier, data, &options, &answers));
  CHECK_USAGE(backdrop_answers_get_info(NULL, NULL));
  CHECK(answers == NULL && asked == 0);
  backdrop_answers_free(NULL);
}

typedef struct heard {
  size_t asked;
  uint64_t settled;
  size_t pairs;
  int stop;
  int tiles_with_logits;
} heard;

static void on_progress(void* user, const backdrop_progress* progress) {
  CHECK(progress->size == sizeof *progress && progress->total == kForegrounds * kBackgrounds);
  ((heard*)user)->settled = progress->settled;
}

static void on_tile(void* user, const backdrop_tile* tile) {
  CHECK(tile->size == sizeof *tile && tile->foreground >= 0 && tile->foreground < kForegrounds);
  for (size_t i = 0; i < tile->count; ++i) CHECK(tile->predictions[i] == tile->backgrounds[i] % 2);
  if (tile->logits != NULL)
    for (size_t i = 0; i < tile->count * kClasses; ++i)
      CHECK(tile->logits[i] == (tile->predictions[i / kClasses] == (int)(i % kClasses) ? 1.f : 0.f));
  ((heard*)user)->tiles_with_logits += tile->logits != NULL;
  ((heard*)user)->pairs += tile->count;
}

static int32_t on_cancel(void* user) {
  return ((heard*)user)->stop;
}

static int32_t on_enough(void* user, const backdrop_progress* progress) {
  CHECK(progress->size == sizeof *progress && progress->total == kForegrounds * kBackgrounds);
  return ((heard*)user)->stop;
}

static void finds(const backdrop_data* data) {
  heard what = {0, 0, 0, 0, 0};
  const backdrop_classifier classifier = classifier_of(&what.asked);
  backdrop_search_options options = {0};
  options.size = sizeof options;
  options.user = &what;
  options.progress = on_progress;
  options.tile = on_tile;
  options.cancel = on_cancel;
  backdrop_answers* answers = NULL;
  CHECK_OK(backdrop_search_with(&classifier, data, &options, &answers));
  CHECK(what.asked == kForegrounds * kBackgrounds && what.pairs == what.asked && what.settled == what.asked);
  backdrop_answers_info info = {0};
  CHECK_USAGE(backdrop_answers_get_info(answers, NULL));
  CHECK_USAGE(backdrop_answers_get_info(answers, &info));
  info.size = sizeof info;
  CHECK_OK(backdrop_answers_get_info(answers, &info));
  CHECK(info.foregrounds == kForegrounds && info.backgrounds == kBackgrounds && info.complete == 1);
  CHECK(info.evaluated == kForegrounds * kBackgrounds && info.recorded == info.evaluated);
  CHECK(info.vulnerable == 3 && fabs(info.challenge_accuracy) < 1e-12);
  CHECK(info.fooled[0] == kBackgrounds / 2 && info.fooled[1] == kBackgrounds / 2 &&
        info.fooled[2] == kBackgrounds);
  for (int b = 0; b < kBackgrounds; ++b)
    CHECK(info.predictions[b] == b % 2 && info.margins[b] == (b % 2 ? -1.f : 1.f));
  backdrop_answers_free(answers);
  CHECK(what.tiles_with_logits == 0);
  options.logits = 1;
  CHECK_OK(backdrop_search_with(&classifier, data, &options, &answers));
  CHECK(what.tiles_with_logits > 0);
  backdrop_answers_free(answers);
  what.stop = 1;
  options.cancel = NULL;
  options.enough = on_enough;
  CHECK_OK(backdrop_search_with(&classifier, data, &options, &answers));
  CHECK_OK(backdrop_answers_get_info(answers, &info));
  CHECK(info.complete == 0 && info.evaluated < kForegrounds * kBackgrounds);
  backdrop_answers_free(answers);
  options.cancel = on_cancel;
  CHECK_STATUS(backdrop_search_with(&classifier, data, &options, &answers), BACKDROP_INTERRUPTED);
  CHECK(answers == NULL);
}

static void searches_with_a_session(const char* checkpoint) {
  backdrop_model* model = NULL;
  backdrop_session* session = NULL;
  backdrop_data* data = NULL;
  backdrop_answers* answers = NULL;
  CHECK_OK(backdrop_model_load(checkpoint, NULL, &model));
  CHECK_OK(backdrop_session_open(model, NULL, &session));
  uint8_t* pixels[2] = {noise(1), noise(2)};
  uint8_t* mask = calloc(kPixels, 1);
  CHECK(mask != NULL);
  memset(mask + kPixels / 4, 1, kPixels / 4);
  const backdrop_mask mask_view = {sizeof mask_view, mask, kPixels, kSide, kSide};
  const backdrop_foreground foreground = {sizeof foreground, "f", image_of(pixels[0]), mask_view, 0};
  const backdrop_background background = {sizeof background, "b", image_of(pixels[1]), 1};
  CHECK_OK(backdrop_data_copy(&foreground, 1, &background, 1, NULL, 0, &data));
  CHECK_OK(backdrop_search(session, data, NULL, &answers));
  backdrop_answers_info info = {0};
  info.size = sizeof info;
  CHECK_OK(backdrop_answers_get_info(answers, &info));
  memcpy(pixels[1] + kBytes / 4, pixels[0] + kBytes / 4, kBytes / 4); /* the composite by hand */
  const backdrop_image composite = image_of(pixels[1]);
  float logits[kClasses];
  int32_t prediction = -1;
  CHECK_OK(backdrop_session_classify(session, &composite, 1, logits, kClasses, &prediction));
  CHECK(info.predictions[0] == prediction);
  float wrong = -INFINITY;
  for (int c = 1; c < kClasses; ++c) wrong = fmaxf(wrong, logits[c]);
  CHECK(fabsf(info.margins[0] - (logits[0] - wrong)) < 1e-3f);
  backdrop_answers_free(answers);
  backdrop_data_free(data);
  backdrop_session_free(session);
  backdrop_model_free(model);
  free(mask);
  free(pixels[0]);
  free(pixels[1]);
}

/* Below fp32, where the processor has the instructions. */
static void accounts_for_precision(const handles* good, const char* precision) {
  backdrop_open_options options = {0};
  options.size = sizeof options;
  options.device = "cpu";
  options.precision = precision;
  backdrop_session* session = NULL;
  const backdrop_status status = backdrop_session_open(good->model, &options, &session);
  if (status == BACKDROP_NO_DEVICE) return;
  CHECK_OK(status);
  backdrop_answers* answers = NULL;
  CHECK_OK(backdrop_search(session, good->data, NULL, &answers));
  backdrop_answers_info exact = {0};
  backdrop_answers_info info = {0};
  exact.size = info.size = sizeof info;
  CHECK_OK(backdrop_answers_get_info(good->answers, &exact));
  CHECK_OK(backdrop_answers_get_info(answers, &info));
  CHECK(info.predictions[0] == exact.predictions[0]);
  CHECK(exact.screened_in == NULL && exact.screened == 0 && strcmp(info.screened_in, precision) == 0);
  CHECK(info.screened == 1 && info.rechecked + info.audited <= 1);
  CHECK(info.wrong_share_bound > 0 && info.wrong_share_bound <= 1 && info.confidence == 0.95);
  backdrop_answers_free(answers);
  backdrop_session_free(session);
}

void test_search(const char* checkpoint) {
  scene* made = make_scene();
  refuses_data(made);
  backdrop_data* data = data_of(made);
  free(made); /* what it held was copied */
  backdrop_data_info info = {0};
  CHECK_USAGE(backdrop_data_get_info(data, &info));
  info.size = sizeof info;
  CHECK_OK(backdrop_data_get_info(data, &info));
  CHECK(info.foregrounds == kForegrounds && info.backgrounds == kBackgrounds && info.classes == kClasses &&
        info.height == kSmall && info.width == kSmall);
  refuses_searches(data);
  finds(data);
  backdrop_data_free(data);
  searches_with_a_session(checkpoint);
  handles good;
  open_handles(checkpoint, &good);
  accounts_for_precision(&good, "bf16");
  accounts_for_precision(&good, "int8");
  accounts_for_precision(&good, "int16");
  free_handles(&good);
}
