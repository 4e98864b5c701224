#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

static void refuses_devices(const backdrop_model* model) {
  backdrop_session* session = NULL;
  CHECK_USAGE(backdrop_session_open(model, NULL, NULL));
  CHECK_USAGE(backdrop_session_open(NULL, NULL, &session));
  backdrop_open_options options = {0};
  CHECK_USAGE(backdrop_session_open(model, &options, &session));
  options.size = sizeof options;
  options.device = "toaster";
  CHECK_USAGE(backdrop_session_open(model, &options, &session));
  options.device = "cuda:1,1";
  CHECK_USAGE(backdrop_session_open(model, &options, &session));
  options.device = "cuda:4000,4001";
  CHECK_STATUS(backdrop_session_open(model, &options, &session), BACKDROP_NO_DEVICE);
  options.device = "cuda:4000";
  CHECK_STATUS(backdrop_session_open(model, &options, &session), BACKDROP_NO_DEVICE);
  options.device = "cpu";
  options.precision = "fp16";
  CHECK_USAGE(backdrop_session_open(model, &options, &session));
  options.precision = NULL;
  options.threads = -1;
  CHECK_USAGE(backdrop_session_open(model, &options, &session));
  options.threads = 0;
  options.batch = -1;
  CHECK_USAGE(backdrop_session_open(model, &options, &session));
  CHECK(session == NULL && backdrop_session_description(NULL) == NULL);
  backdrop_session_free(NULL);
}

static void refuses_images(backdrop_session* session, const uint8_t* pixels) {
  float logits[kClasses];
  backdrop_image image = image_of(pixels);
  CHECK_USAGE(backdrop_session_classify(NULL, &image, 1, logits, kClasses, NULL));
  CHECK_USAGE(backdrop_session_classify(session, NULL, 1, logits, kClasses, NULL));
  CHECK_USAGE(backdrop_session_classify(session, &image, 1, NULL, kClasses, NULL));
  CHECK_USAGE(backdrop_session_classify(session, &image, 1, logits, kClasses - 1, NULL));
  CHECK_USAGE(backdrop_session_classify(session, &image, (size_t)-1, logits, kClasses, NULL));
  image.size = 0;
  CHECK_USAGE(backdrop_session_classify(session, &image, 1, logits, kClasses, NULL));
  image.size = sizeof image - 1;
  CHECK_USAGE(backdrop_session_classify(session, &image, 1, logits, kClasses, NULL));
  image = image_of(NULL);
  CHECK_USAGE(backdrop_session_classify(session, &image, 1, logits, kClasses, NULL));
  image = image_of(pixels);
  image.bytes = kBytes - 1;
  CHECK_USAGE(backdrop_session_classify(session, &image, 1, logits, kClasses, NULL));
  image = image_of(pixels);
  image.height = -kSide;
  CHECK_USAGE(backdrop_session_classify(session, &image, 1, logits, kClasses, NULL));
}

static void classifies(backdrop_session* session, const uint8_t* pixels) {
  uint8_t* other = noise(2);
  const backdrop_image images[2] = {image_of(pixels), image_of(other)};
  float logits[2 * kClasses];
  float alone[kClasses];
  int32_t predictions[2];
  CHECK_OK(backdrop_session_classify(session, images, 2, logits, 2 * kClasses, predictions));
  CHECK_OK(backdrop_session_classify(session, &images[1], 1, alone, kClasses, NULL));
  CHECK_OK(backdrop_session_classify(session, NULL, 0, NULL, 0, NULL));
  CHECK(memcmp(alone, logits + kClasses, sizeof alone) == 0);
  for (int i = 0; i < 2; ++i) {
    CHECK(predictions[i] >= 0 && predictions[i] < kClasses);
    for (int c = 0; c < kClasses; ++c)
      CHECK(isfinite(logits[i * kClasses + c]) &&
            logits[i * kClasses + c] <= logits[i * kClasses + predictions[i]]);
  }
  free(other);
}

void test_session(const char* checkpoint) {
  backdrop_model* model = NULL;
  CHECK_OK(backdrop_model_load(checkpoint, NULL, &model));
  refuses_devices(model);
  backdrop_open_options options = {0};
  options.size = sizeof options;
  options.device = "cpu";
  options.threads = 2;
  backdrop_session* session = NULL;
  CHECK_OK(backdrop_session_open(model, &options, &session));
  backdrop_model_free(model); /* the session keeps what it needs */
  CHECK(strncmp(backdrop_session_description(session), "CPU, 2 threads", 14) == 0);
  uint8_t* pixels = noise(1);
  refuses_images(session, pixels);
  classifies(session, pixels);
  free(pixels);
  backdrop_session_free(session);
}
