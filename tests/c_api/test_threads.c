/* Eight threads at once: on handles of their own, on one session for all, and each with its own errors. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

enum { kThreads = 8, kRounds = 4 };

typedef struct shared_state {
  const char* checkpoint;
  const backdrop_model* model;
  backdrop_session* session;
  backdrop_image image;
  const backdrop_data* data;
  float expected[kClasses];
  int32_t prediction;
} shared_state;

typedef struct worker_state {
  const shared_state* shared;
  int number;
} worker_state;

/* The one foreground on the one background is the photo itself. */
static void search(backdrop_session* session, const shared_state* shared) {
  backdrop_answers* answers = NULL;
  CHECK_OK(backdrop_search(session, shared->data, NULL, &answers));
  backdrop_answers_info info = {0};
  info.size = sizeof info;
  CHECK_OK(backdrop_answers_get_info(answers, &info));
  CHECK(info.predictions[0] == shared->prediction);
  backdrop_answers_free(answers);
}

static backdrop_data* data_of(const backdrop_image* image) {
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

static void* work(void* argument) {
  const worker_state* worker = argument;
  const shared_state* shared = worker->shared;
  char name[64];
  snprintf(name, sizeof name, "no-such-file-of-thread-%d.pt", worker->number);
  for (int round = 0; round < kRounds; ++round) {
    backdrop_model* model = NULL;
    CHECK_STATUS(backdrop_model_load(name, NULL, &model), BACKDROP_BAD_INPUT);
    float logits[kClasses];
    CHECK_OK(backdrop_session_classify(shared->session, &shared->image, 1, logits, kClasses, NULL));
    CHECK(memcmp(logits, shared->expected, sizeof logits) == 0);
    CHECK(strstr(backdrop_last_error(), name) != NULL); /* of this thread still */
    CHECK_USAGE(backdrop_session_classify(shared->session, NULL, 1, logits, kClasses, NULL));
    backdrop_model_info info = {0};
    info.size = sizeof info;
    CHECK_OK(backdrop_model_get_info(shared->model, &info));
    CHECK_OK(backdrop_model_load(shared->checkpoint, NULL, &model));
    backdrop_session* session = NULL;
    backdrop_open_options options = {0};
    options.size = sizeof options;
    options.threads = 1;
    CHECK_OK(backdrop_session_open(round % 2 == 0 ? model : shared->model, &options, &session));
    backdrop_model_free(model);
    CHECK_OK(backdrop_session_classify(session, &shared->image, 1, logits, kClasses, NULL));
    CHECK(memcmp(logits, shared->expected, sizeof logits) == 0);
    search(round % 2 == 0 ? shared->session : session, shared);
    backdrop_session_free(session);
  }
  return NULL;
}

void test_threads(const char* checkpoint) {
  backdrop_model* model = NULL;
  backdrop_session* session = NULL;
  uint8_t* pixels = noise(3);
  CHECK_OK(backdrop_model_load(checkpoint, NULL, &model));
  CHECK_OK(backdrop_session_open(model, NULL, &session));
  shared_state shared = {checkpoint, model, session, image_of(pixels), NULL, {0}, -1};
  backdrop_data* data = data_of(&shared.image);
  shared.data = data;
  CHECK_OK(
      backdrop_session_classify(session, &shared.image, 1, shared.expected, kClasses, &shared.prediction));
  pthread_t threads[kThreads];
  worker_state workers[kThreads];
  for (int i = 0; i < kThreads; ++i) {
    workers[i].shared = &shared;
    workers[i].number = i;
    CHECK(pthread_create(&threads[i], NULL, work, &workers[i]) == 0);
  }
  for (int i = 0; i < kThreads; ++i) CHECK(pthread_join(threads[i], NULL) == 0);
  backdrop_session_free(session);
  backdrop_model_free(model);
  backdrop_data_free(data);
  free(pixels);
}
