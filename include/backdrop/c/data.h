/// \file
/// What a search runs on, from C. Included by backdrop/backdrop.h, which says what holds for all of it.
#ifndef BACKDROP_C_DATA_H
#define BACKDROP_C_DATA_H

#include <stddef.h>
#include <stdint.h>

#include "backdrop/c/session.h"
#include "backdrop/export.h"

#ifdef __cplusplus
extern "C" {
#endif

/// What a search runs on.
typedef struct backdrop_data backdrop_data;

/// A mask, [height][width]: 1 where the foreground shows, 0 elsewhere.
typedef struct backdrop_mask {
  size_t size;
  const uint8_t* values;
  size_t bytes;  ///< of `values`: height * width
  int32_t height;
  int32_t width;
} backdrop_mask;

typedef struct backdrop_foreground {
  size_t size;
  const char* name;
  backdrop_image photo;
  backdrop_mask mask;
  int32_t label;
} backdrop_foreground;

typedef struct backdrop_background {
  size_t size;
  const char* name;
  backdrop_image photo;
  int32_t label;
} backdrop_background;

typedef struct backdrop_data_info {
  size_t size;
  int32_t foregrounds;
  int32_t backgrounds;
  int32_t classes;
  int32_t height;
  int32_t width;
} backdrop_data_info;

/// What a foreground or a background is called; the texts live as long as the data.
typedef struct backdrop_item {
  size_t size;
  const char* name;
  const char* class_name;
  int32_t label;
} backdrop_item;

/// Reads the tree of IN-9's release with so many threads; 0: all that this process may use.
BACKDROP_EXPORT backdrop_status backdrop_data_load(const char* root, int32_t threads, backdrop_data** data);
/// Copies photos and masks, all of one size. `class_names` has one for each label; NULL: IN-9's nine.
BACKDROP_EXPORT backdrop_status backdrop_data_copy(const backdrop_foreground* foregrounds,
                                                   size_t foreground_count,
                                                   const backdrop_background* backgrounds,
                                                   size_t background_count, const char* const* class_names,
                                                   size_t class_count, backdrop_data** data);
/// The foregrounds and backgrounds of these indices, in that order, each once: data of its own, which is as
/// good when `data` is freed. There must be one of each at least.
BACKDROP_EXPORT backdrop_status backdrop_data_part(const backdrop_data* data, const int32_t* foregrounds,
                                                   size_t foreground_count, const int32_t* backgrounds,
                                                   size_t background_count, backdrop_data** part);
BACKDROP_EXPORT backdrop_status backdrop_data_get_info(const backdrop_data* data, backdrop_data_info* info);
/// The `index`-th foreground, whose answers are that row of the search's arrays.
BACKDROP_EXPORT backdrop_status backdrop_data_get_foreground(const backdrop_data* data, size_t index,
                                                             backdrop_item* item);
/// The `index`-th background: that column.
BACKDROP_EXPORT backdrop_status backdrop_data_get_background(const backdrop_data* data, size_t index,
                                                             backdrop_item* item);
/// Fills `image` or `mask`, whose `size` the caller has set, with what lives as long as the data.
BACKDROP_EXPORT backdrop_status backdrop_data_get_foreground_photo(const backdrop_data* data, size_t index,
                                                                   backdrop_image* image);
BACKDROP_EXPORT backdrop_status backdrop_data_get_foreground_mask(const backdrop_data* data, size_t index,
                                                                  backdrop_mask* mask);
BACKDROP_EXPORT backdrop_status backdrop_data_get_background_photo(const backdrop_data* data, size_t index,
                                                                   backdrop_image* image);
/// The photo that a classifier is given for this pair.
BACKDROP_EXPORT backdrop_status backdrop_data_composite(const backdrop_data* data, size_t foreground,
                                                        size_t background, backdrop_photo** photo);
BACKDROP_EXPORT void backdrop_data_free(backdrop_data* data);

/// Takes photos and masks one at a time, as a program reads or makes them. From one thread at a time.
typedef struct backdrop_data_builder backdrop_data_builder;

/// `class_names` as for backdrop_data_copy.
BACKDROP_EXPORT backdrop_status backdrop_data_builder_new(const char* const* class_names, size_t class_count,
                                                          backdrop_data_builder** builder);
/// Copies the photo and the mask, which must be of the first photo's size.
BACKDROP_EXPORT backdrop_status backdrop_data_builder_add_foreground(backdrop_data_builder* builder,
                                                                     const backdrop_foreground* foreground);
BACKDROP_EXPORT backdrop_status backdrop_data_builder_add_background(backdrop_data_builder* builder,
                                                                     const backdrop_background* background);
/// What was added, in that order; the builder is then empty.
BACKDROP_EXPORT backdrop_status backdrop_data_builder_finish(backdrop_data_builder* builder,
                                                             backdrop_data** data);
BACKDROP_EXPORT void backdrop_data_builder_free(backdrop_data_builder* builder);

#ifdef __cplusplus
}
#endif

#endif
