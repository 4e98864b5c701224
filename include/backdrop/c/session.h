/// \file
/// A model on a device, from C. Included by backdrop/backdrop.h, which says what holds for all of it.
#ifndef BACKDROP_C_SESSION_H
#define BACKDROP_C_SESSION_H

#include <stddef.h>
#include <stdint.h>

#include "backdrop/c/model.h"
#include "backdrop/c/photo.h"
#include "backdrop/export.h"

#ifdef __cplusplus
extern "C" {
#endif

/// A model on a device.
typedef struct backdrop_session backdrop_session;

typedef struct backdrop_open_options {
  size_t size;
  /// "auto" (or NULL), "cpu", "cuda" (the first GPU), "cuda:N", or several GPUs: "cuda:N,M" by index,
  /// "cuda:all"
  const char* device;
  /// "fp32" (or NULL), "bf16", "int8"; "int16" (CPU); "tf32", "fp16", "fp8" (GPU); "auto": the fastest on the
  /// search
  const char* precision;
  int32_t threads;        ///< CPU threads; 0: all that this process may use
  int32_t batch;          ///< composites a batch, on the CPU 16 at most; 0: chosen for the device
  int32_t without_reuse;  ///< not 0: compute every composite in full
  uint64_t cache_memory;  ///< bytes for cached background features; 0: half of what is available
} backdrop_open_options;

/// BACKDROP_NO_DEVICE: a device is absent, cannot be used or lacks the precision's instructions;
/// BACKDROP_USAGE: options that name nothing known, or one GPU twice.
BACKDROP_EXPORT backdrop_status backdrop_session_open(const backdrop_model* model,
                                                      const backdrop_open_options* options,
                                                      backdrop_session** session);
/// Classifies `count` images, in fp32 whatever the precision, which lie images[0].size bytes
/// apart. `logits` has `logit_count` places, which are count * classes; `predictions`, if it is not NULL, has
/// `count` places for the model's own classes; BACKDROP_FAILED if they are asked for and a logit is not a
/// number.
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
