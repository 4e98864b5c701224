/* Eight threads at once, each calling every function rightly and wrongly: on handles of their own, on those
 * that all share, and with errors that stay each thread's own. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "check.h"

enum { kThreads = 8, kRounds = 2 };

typedef struct shared_state {
  handles good;
  char tree[32];
  float expected[kClasses];
  int32_t prediction;
} shared_state;

typedef struct worker_state {
  const shared_state* shared;
  int number;
  size_t asked;
} worker_state;

static void keeps_its_own_error(const worker_state* worker) {
  const handles* good = &worker->shared->good;
  char name[64];
  snprintf(name, sizeof name, "no-such-file-of-thread-%d.pt", worker->number);
  backdrop_model* model = NULL;
  CHECK_STATUS(backdrop_model_load(name, NULL, &model), BACKDROP_BAD_INPUT);
  float logits[kClasses];
  CHECK_OK(backdrop_session_classify(good->session, &good->image, 1, logits, kClasses, NULL));
  CHECK(memcmp(logits, worker->shared->expected, sizeof logits) == 0);
  CHECK(strstr(backdrop_last_error(), name) != NULL);
}

static void reads_models(const backdrop_model* model) {
  backdrop_model_info info = {0};
  info.size = sizeof info;
  CHECK_OK(backdrop_model_get_info(model, &info));
  CHECK(info.classes == kClasses && strlen(info.sha256) == 64);
  int32_t labels[kClasses];
  CHECK_OK(backdrop_model_get_in9_labels(model, labels, kClasses));
  CHECK(labels[0] == 0 && labels[kClasses - 1] == kClasses - 1);
  CHECK(backdrop_version()[0] != '\0');
}

static void searches(backdrop_session* session, const backdrop_data* data, int32_t prediction) {
  backdrop_answers* answers = NULL;
  CHECK_OK(backdrop_search(session, data, NULL, &answers));
  backdrop_answers_info info = {0};
  info.size = sizeof info;
  CHECK_OK(backdrop_answers_get_info(answers, &info));
  CHECK(info.predictions[0] == prediction);
  backdrop_answers_free(answers);
}

static int32_t always_one(void* user, const uint8_t* photos, size_t count, int32_t height, int32_t width,
                          float* logits) {
  (void)photos, (void)height, (void)width;
  *(size_t*)user += count;
  for (size_t i = 0; i < count * kClasses; ++i) logits[i] = i % kClasses == 1 ? 1.f : 0.f;
  return 0;
}

static void on_progress(void* user, const backdrop_progress* progress) {
  CHECK(*(size_t*)user == progress->evaluated);
}

/* The first photo of the tree's backgrounds, as the data and the file itself say. */
static void looks_at_a_photo(const char* tree, const backdrop_data* data) {
  backdrop_item item = {0};
  item.size = sizeof item;
  CHECK_OK(backdrop_data_get_foreground(data, 1, &item));
  CHECK(strcmp(item.name, "photo.JPEG") == 0 && strcmp(item.class_name, "01_class") == 0 && item.label == 1);
  CHECK_OK(backdrop_data_get_background(data, 8, &item));
  CHECK(strcmp(item.name, "photo.JPEG") == 0 && strcmp(item.class_name, "08_class") == 0 && item.label == 8);
  char file[128];
  snprintf(file, sizeof file, "%s/only_bg_t/val/%s/%s", tree, item.class_name, item.name);
  backdrop_photo* photo = NULL;
  CHECK_OK(backdrop_photo_read(file, &photo));
  backdrop_image image = {0};
  CHECK_USAGE(backdrop_photo_get_image(photo, &image));
  image.size = sizeof image;
  CHECK_OK(backdrop_photo_get_image(photo, &image));
  CHECK(image.height == kSide && image.width == kSide && image.bytes == kBytes &&
        image.pixels[kBytes - 1] == 8);
  backdrop_photo_free(photo);
}

/* The foreground's upper half, which is white, on the grey of its background. */
static void looks_at_a_composite(const backdrop_data* data) {
  const int32_t foregrounds[] = {1};
  const int32_t backgrounds[] = {8, 3};
  backdrop_data* part = NULL;
  CHECK_OK(backdrop_data_part(data, foregrounds, 1, backgrounds, 2, &part));
  backdrop_data_info size = {0};
  size.size = sizeof size;
  CHECK_OK(backdrop_data_get_info(part, &size));
  CHECK(size.foregrounds == 1 && size.backgrounds == 2 && size.classes == kClasses);
  backdrop_image image = {0};
  image.size = sizeof image;
  CHECK_OK(backdrop_data_get_foreground_photo(part, 0, &image));
  CHECK(image.bytes == kBytes && image.height == kSide && image.pixels[kBytes - 1] == 255);
  CHECK_OK(backdrop_data_get_background_photo(part, 1, &image));
  CHECK(image.bytes == kBytes && image.width == kSide && image.pixels[0] == 3);
  backdrop_mask mask = {0};
  mask.size = sizeof mask;
  CHECK_OK(backdrop_data_get_foreground_mask(part, 0, &mask));
  CHECK(mask.bytes == kPixels && mask.values[0] == 1 && mask.values[kPixels - 1] == 0);
  backdrop_photo* photo = NULL;
  CHECK_OK(backdrop_data_composite(part, 0, 0, &photo));
  backdrop_data_free(part); /* the composite is of its own */
  CHECK_OK(backdrop_photo_get_image(photo, &image));
  CHECK(image.bytes == kBytes && image.pixels[0] == 255 && image.pixels[kBytes - 1] == 8);
  backdrop_photo_free(photo);
}

static void searches_a_tree(worker_state* worker) {
  backdrop_data* data = NULL;
  CHECK_OK(backdrop_data_load(worker->shared->tree, worker->number % 3, &data));
  backdrop_data_info size = {0};
  size.size = sizeof size;
  CHECK_OK(backdrop_data_get_info(data, &size));
  CHECK(size.foregrounds == 2 && size.backgrounds == kClasses);
  looks_at_a_photo(worker->shared->tree, data);
  looks_at_a_composite(data);
  worker->asked = 0;
  backdrop_classifier classifier = {0};
  classifier.size = sizeof classifier;
  classifier.classes = kClasses;
  classifier.user = &worker->asked;
  classifier.classify = always_one;
  backdrop_search_options options = {0};
  options.size = sizeof options;
  options.user = &worker->asked;
  options.progress = on_progress;
  backdrop_answers* answers = NULL;
  CHECK_OK(backdrop_search_with(&classifier, data, &options, &answers));
  backdrop_data_free(data); /* the answers do not need it */
  backdrop_answers_info info = {0};
  info.size = sizeof info;
  CHECK_OK(backdrop_answers_get_info(answers, &info));
  CHECK(info.vulnerable == 1 && info.fooled[0] == kClasses && info.fooled[1] == 0);
  backdrop_answers_free(answers);
}

static void works_on_its_own(worker_state* worker, int parses) {
  const shared_state* shared = worker->shared;
  const handles* good = &shared->good;
  backdrop_model* model = NULL;
  if (parses)
    model = parse_file(good->checkpoint);
  else
    CHECK_OK(backdrop_model_load(good->checkpoint, NULL, &model));
  reads_models(model);
  backdrop_open_options options = {0};
  options.size = sizeof options;
  options.threads = 1;
  options.precision = parses ? "bf16" : "fp32"; /* the answers are the same */
  backdrop_session* session = NULL;
  backdrop_status status = backdrop_session_open(parses ? model : good->model, &options, &session);
  if (status == BACKDROP_NO_DEVICE) { /* the processor lacks the instructions */
    options.precision = NULL;
    status = backdrop_session_open(model, &options, &session);
  }
  CHECK_OK(status);
  backdrop_model_free(model);
  CHECK(strstr(backdrop_session_description(session), "CPU, 1 threads") != NULL);
  float logits[kClasses];
  CHECK_OK(backdrop_session_classify(session, &good->image, 1, logits, kClasses, NULL));
  CHECK(memcmp(logits, shared->expected, sizeof logits) == 0);
  backdrop_data* data = copy_data(&good->image);
  searches(session, data, shared->prediction);
  backdrop_data_free(data);
  backdrop_session_free(session);
}

static void lists_devices(void) {
  backdrop_devices* devices = NULL;
  CHECK_OK(backdrop_devices_find(&devices));
  CHECK(backdrop_devices_count(devices) >= 2);
  backdrop_device device = {0};
  device.size = sizeof device;
  CHECK_OK(backdrop_devices_get(devices, 0, &device));
  CHECK(strcmp(device.device, "cpu") == 0 && device.threads > 0 && device.instructions != NULL);
  CHECK(strncmp(device.precisions, "fp32", 4) == 0 && device.name == NULL && device.trouble == NULL);
  CHECK_OK(backdrop_devices_get(devices, 1, &device));
  CHECK(strncmp(device.device, "cuda", 4) == 0 && device.threads == 0);
  CHECK((device.precisions == NULL) == (device.trouble != NULL));
  backdrop_devices_free(devices);
}

static void builds_data(const backdrop_image* image) {
  static const char* const names[] = {"first", "second", "third"};
  backdrop_data* data = build_data(image, names, 3);
  for (size_t i = 0; i < 3; ++i) {
    backdrop_item item = {0};
    item.size = sizeof item;
    CHECK_OK(backdrop_data_get_foreground(data, i, &item));
    CHECK(strcmp(item.name, names[i]) == 0 && item.label == (int32_t)i);
    CHECK_OK(backdrop_data_get_background(data, i, &item));
    CHECK(strcmp(item.name, names[i]) == 0 && strcmp(item.class_name, "08_fish") == 0);
  }
  backdrop_data_free(data);
}

static void* work(void* argument) {
  worker_state* worker = argument;
  const handles* good = &worker->shared->good;
  for (int round = 0; round < kRounds; ++round) {
    keeps_its_own_error(worker);
    refuse_everything(good);
    reads_models(good->model);
    CHECK(backdrop_session_description(good->session) != NULL);
    searches(good->session, good->data, worker->shared->prediction);
    works_on_its_own(worker, (worker->number + round) % 2);
    searches_a_tree(worker);
    builds_data(&good->image);
    lists_devices();
  }
  return NULL;
}

void test_threads(const char* checkpoint) {
  shared_state shared = {0};
  open_handles(checkpoint, &shared.good);
  strcpy(shared.tree, "/tmp/backdrop-c-api-XXXXXX");
  write_release_tree(shared.tree);
  CHECK_OK(backdrop_session_classify(shared.good.session, &shared.good.image, 1, shared.expected, kClasses,
                                     &shared.prediction));
  pthread_t threads[kThreads];
  worker_state workers[kThreads];
  for (int i = 0; i < kThreads; ++i) {
    workers[i].shared = &shared;
    workers[i].number = i;
    CHECK(pthread_create(&threads[i], NULL, work, &workers[i]) == 0);
  }
  for (int i = 0; i < kThreads; ++i) CHECK(pthread_join(threads[i], NULL) == 0);
  remove_release_tree(shared.tree);
  free_handles(&shared.good);
}
