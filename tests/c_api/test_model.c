#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

static void refuses_wrong_labels(const char* checkpoint) {
  backdrop_model* model = NULL;
  backdrop_load_options options = {0};
  options.size = sizeof options;
  options.in9_label_count = 9;
  CHECK_USAGE(backdrop_model_load(checkpoint, &options, &model));
  const int32_t labels[2] = {0, 1};
  options.in9_labels = labels;
  options.in9_label_count = 2;
  CHECK_USAGE(backdrop_model_load(checkpoint, &options, &model));
  CHECK(model == NULL);
}

static void takes_a_mean_and_deviation(const char* checkpoint) {
  const float mean[3] = {0.5f, 0.25f, 0};
  const float deviation[3] = {0.5f, 1, 0.125f};
  const float none[3] = {1, 0, 1};
  backdrop_model* model = NULL;
  backdrop_load_options options = {0};
  options.size = sizeof options;
  options.mean = mean;
  CHECK_USAGE(backdrop_model_load(checkpoint, &options, &model));
  options.deviation = none;
  CHECK_USAGE(backdrop_model_load(checkpoint, &options, &model));
  options.deviation = deviation;
  CHECK_OK(backdrop_model_load(checkpoint, &options, &model));
  backdrop_model_info info = {0};
  info.size = sizeof info;
  CHECK_OK(backdrop_model_get_info(model, &info));
  CHECK(memcmp(info.mean, mean, sizeof mean) == 0);
  CHECK(memcmp(info.deviation, deviation, sizeof deviation) == 0);
  backdrop_model_free(model);
}

/* A struct of a later header: what is behind the known fields must be zero. */
static void takes_larger_structs(const char* checkpoint) {
  struct {
    backdrop_load_options known;
    int64_t later;
  } options = {{0}, 0};
  options.known.size = sizeof options;
  backdrop_model* model = NULL;
  CHECK_OK(backdrop_model_load(checkpoint, &options.known, &model));
  backdrop_model_free(model);
  options.later = 1;
  CHECK_USAGE(backdrop_model_load(checkpoint, &options.known, &model));
}

static void refuses_what_is_no_checkpoint(const char* checkpoint) {
  backdrop_model* model = NULL;
  CHECK_STATUS(backdrop_model_load("no-such-file.pt", NULL, &model), BACKDROP_BAD_INPUT);
  CHECK(strstr(backdrop_last_error(), "no-such-file.pt") != NULL);
  CHECK_STATUS(backdrop_model_parse("no checkpoint", 13, NULL, &model), BACKDROP_BAD_INPUT);
  CHECK_STATUS(backdrop_model_parse("", 0, NULL, &model), BACKDROP_BAD_INPUT);
  backdrop_load_options options = {0};
  options.size = sizeof options;
  options.architecture = "resnet19";
  CHECK_USAGE(backdrop_model_load(checkpoint, &options, &model));
  options.architecture = "vgg16";
  CHECK_STATUS(backdrop_model_load(checkpoint, &options, &model), BACKDROP_BAD_INPUT);
  options.architecture = NULL;
  options.class_map = "no-such-map.json";
  CHECK_STATUS(backdrop_model_load(checkpoint, &options, &model), BACKDROP_BAD_INPUT);
  CHECK(model == NULL);
}

static void says_what_it_holds(const char* checkpoint) {
  backdrop_model* models[2] = {NULL, parse_file(checkpoint)};
  CHECK_OK(backdrop_model_load(checkpoint, NULL, &models[0]));
  for (int i = 0; i < 2; ++i) {
    backdrop_model_info info = {0};
    CHECK_USAGE(backdrop_model_get_info(models[i], NULL));
    CHECK_USAGE(backdrop_model_get_info(models[i], &info));
    info.size = sizeof info;
    CHECK_OK(backdrop_model_get_info(models[i], &info));
    CHECK(info.size == sizeof info && info.classes == kClasses && info.height == kSide &&
          info.width == kSide);
    CHECK(strcmp(info.architecture, "resnet18") == 0 && strcmp(info.format, "pytorch-zip") == 0);
    CHECK(strlen(info.sha256) == 64 && info.parameters > 0 && info.multiply_adds > info.parameters);
    int32_t labels[kClasses];
    CHECK_USAGE(backdrop_model_get_in9_labels(models[i], NULL, kClasses));
    CHECK_USAGE(backdrop_model_get_in9_labels(models[i], labels, kClasses - 1));
    CHECK_OK(backdrop_model_get_in9_labels(models[i], labels, kClasses));
    for (int32_t c = 0; c < kClasses; ++c) CHECK(labels[c] == c);
    backdrop_model_free(models[i]);
  }
}

void test_model(const char* checkpoint) {
  CHECK(strchr(backdrop_version(), '.') != NULL);
  CHECK(backdrop_last_error()[0] == '\0');
  refuses_wrong_labels(checkpoint);
  takes_a_mean_and_deviation(checkpoint);
  takes_larger_structs(checkpoint);
  refuses_what_is_no_checkpoint(checkpoint);
  says_what_it_holds(checkpoint);
}
