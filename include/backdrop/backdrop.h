/// \file
/// Backdrop as a C library: opaque handles, structs that say their size, a status from every call.
///
/// \code
/// backdrop_model* model = NULL;
/// backdrop_session* session = NULL;
/// if (backdrop_model_load("resnet50-in9.pt", NULL, &model) != BACKDROP_OK ||
///     backdrop_session_open(model, NULL, &session) != BACKDROP_OK) {
///   fprintf(stderr, "%s\n", backdrop_last_error());
/// }
/// backdrop_image image = {sizeof image, pixels, 224 * 224 * 3, 224, 224};
/// backdrop_session_classify(session, &image, 1, logits, 9, NULL);
/// backdrop_session_free(session);
/// backdrop_model_free(model);
/// \endcode
///
/// Errors: a call that does not return BACKDROP_OK has changed nothing but the message; pointers it was to
/// write are NULL. NULL for a required pointer is BACKDROP_USAGE. No exception leaves the library.
///
/// Structs: `size` is sizeof of the struct as the caller was compiled. A larger struct of a later header is
/// taken where all that this library does not know is zero. NULL for a struct of options means the defaults,
/// which are zero everywhere but in `size`.
///
/// Threads: every function may be called from any thread. Models do not change. Calls on one session wait for
/// each other. A handle must not be freed while another call uses it; handles made from it stay good.
#ifndef BACKDROP_BACKDROP_H
#define BACKDROP_BACKDROP_H

#include <stddef.h>
#include <stdint.h>

#include "backdrop/export.h"

#ifdef __cplusplus
extern "C" {
#endif

/// The exit codes of the command.
typedef int32_t backdrop_status;
enum {
  BACKDROP_OK = 0,
  BACKDROP_FAILED = 1,         ///< anything else: a full disk, no memory
  BACKDROP_USAGE = 2,          ///< arguments that make no sense
  BACKDROP_BAD_INPUT = 3,      ///< a file is missing, damaged or not what its name says
  BACKDROP_NO_DEVICE = 4,      ///< the device is absent or cannot be used
  BACKDROP_INTERRUPTED = 130,  ///< a callback asked to stop
};

/// "0.1.0".
BACKDROP_EXPORT const char* backdrop_version(void);

/// One line about the last call of this thread that failed; empty if none did. Good until the next one.
BACKDROP_EXPORT const char* backdrop_last_error(void);

/// A checkpoint as a model.
typedef struct backdrop_model backdrop_model;

typedef struct backdrop_load_options {
  size_t size;
  const char* architecture;   ///< "resnet50"; NULL: read off the tensors
  const int32_t* in9_labels;  ///< [in9_label_count], one a class: 0 to 8, or -1; NULL: the published map
  size_t in9_label_count;
  const char* class_map;  ///< a JSON file with the labels; NULL: none
  int32_t allow_partial;  ///< not 0: ignore unexpected tensors and zero missing ones
} backdrop_load_options;

typedef struct backdrop_model_info {
  size_t size;
  const char* architecture;  ///< texts live as long as the model
  const char* format;        ///< "pytorch-zip", "pytorch-legacy" or "safetensors"
  const char* sha256;        ///< of the checkpoint, hex
  int32_t classes;
  int32_t height;  ///< of the photos it takes
  int32_t width;
  float mean[3];  ///< of RGB in [0,1]
  float deviation[3];
  int64_t parameters;
  int64_t multiply_adds;  ///< for one photo
} backdrop_model_info;

BACKDROP_EXPORT backdrop_status backdrop_model_load(const char* checkpoint,
                                                    const backdrop_load_options* options,
                                                    backdrop_model** model);
/// The same for the bytes of a checkpoint file, which are not needed afterwards.
BACKDROP_EXPORT backdrop_status backdrop_model_parse(const void* checkpoint, size_t bytes,
                                                     const backdrop_load_options* options,
                                                     backdrop_model** model);
/// Fills `info`, whose `size` the caller has set.
BACKDROP_EXPORT backdrop_status backdrop_model_get_info(const backdrop_model* model,
                                                        backdrop_model_info* info);
/// Copies the label of each class, -1 for none, to `labels`, which has `count` places: one a class.
BACKDROP_EXPORT backdrop_status backdrop_model_get_in9_labels(const backdrop_model* model, int32_t* labels,
                                                              size_t count);
/// NULL is allowed, here and in the other functions that free.
BACKDROP_EXPORT void backdrop_model_free(backdrop_model* model);

/// A model on a device.
typedef struct backdrop_session backdrop_session;

typedef struct backdrop_open_options {
  size_t size;
  const char* device;     ///< "auto" (or NULL), "cpu", "cuda" or "cuda:N"
  const char* precision;  ///< of a GPU: "fp32" (or NULL), "tf32", "fp16" or "bf16"
  int32_t threads;        ///< CPU threads; 0: all that this process may use
  int32_t batch;          ///< composites a batch; 0: chosen for the device
  int32_t without_reuse;  ///< not 0: compute every composite in full
  uint64_t cache_memory;  ///< bytes for cached background features; 0: half of what is available
} backdrop_open_options;

/// 8-bit RGB, [height][width][3], rows top to bottom.
typedef struct backdrop_image {
  size_t size;
  const uint8_t* pixels;
  size_t bytes;  ///< of `pixels`: height * width * 3
  int32_t height;
  int32_t width;
} backdrop_image;

BACKDROP_EXPORT backdrop_status backdrop_session_open(const backdrop_model* model,
                                                      const backdrop_open_options* options,
                                                      backdrop_session** session);
/// Classifies `count` images, which lie images[0].size bytes apart. `logits` has `logit_count` places, which
/// are count * classes; `predictions`, if it is not NULL, has `count` places for the model's own classes.
BACKDROP_EXPORT backdrop_status backdrop_session_classify(backdrop_session* session,
                                                          const backdrop_image* images, size_t count,
                                                          float* logits, size_t logit_count,
                                                          int32_t* predictions);
/// One line for people, which lives as long as the session; NULL for NULL.
BACKDROP_EXPORT const char* backdrop_session_description(const backdrop_session* session);
BACKDROP_EXPORT void backdrop_session_free(backdrop_session* session);

#ifdef __cplusplus
}
#endif

#endif
