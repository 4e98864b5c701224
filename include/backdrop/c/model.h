/// \file
/// Checkpoints as models, from C. Included by backdrop/backdrop.h, which says what holds for all of it.
#ifndef BACKDROP_C_MODEL_H
#define BACKDROP_C_MODEL_H

#include <stddef.h>
#include <stdint.h>

#include "backdrop/c/status.h"
#include "backdrop/export.h"

#ifdef __cplusplus
extern "C" {
#endif

/// A checkpoint as a model.
typedef struct backdrop_model backdrop_model;

typedef struct backdrop_load_options {
  size_t size;
  const char* architecture;  ///< "resnet50"; NULL: read off the tensors. Leaky ResNets must be named
  /// [in9_label_count], one a class: 0 to 8, or -1 for none. NULL: those of `class_map`, else the identity
  /// for nine classes and the published map for 1000; any other model can then classify but not search
  const int32_t* in9_labels;
  size_t in9_label_count;
  const char* class_map;  ///< a JSON file with the labels; NULL: none
  int32_t allow_partial;  ///< not 0: ignore unexpected tensors and zero missing ones
  /// [3] each, of the photos the model was trained on, RGB in [0,1]; finite, and the deviation positive.
  /// NULL, both: the checkpoint's own or the default
  const float* mean;
  const float* deviation;
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

/// Reads a PyTorch (zip or legacy) or safetensors checkpoint. No code in it is run. BACKDROP_BAD_INPUT: the
/// file; BACKDROP_USAGE: an unknown architecture, labels that do not fit the classes, or a mean and deviation
/// that are none.
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

#ifdef __cplusplus
}
#endif

#endif
