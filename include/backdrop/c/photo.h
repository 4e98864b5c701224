/// \file
/// Photos in the caller's memory and from files, from C. Included by backdrop/backdrop.h, which says what
/// holds for all of it.
///
/// \code
/// backdrop_photo* photo = NULL;
/// backdrop_image image = {sizeof image};
/// if (backdrop_photo_read("n02099601_1.JPEG", &photo) == BACKDROP_OK)
///   backdrop_photo_get_image(photo, &image);
/// \endcode
#ifndef BACKDROP_C_PHOTO_H
#define BACKDROP_C_PHOTO_H

#include <stddef.h>
#include <stdint.h>

#include "backdrop/c/status.h"
#include "backdrop/export.h"

#ifdef __cplusplus
extern "C" {
#endif

/// 8-bit RGB, [height][width][3], rows top to bottom.
typedef struct backdrop_image {
  size_t size;
  const uint8_t* pixels;
  size_t bytes;  ///< of `pixels`: height * width * 3
  int32_t height;
  int32_t width;
} backdrop_image;

/// A photo of its own.
typedef struct backdrop_photo backdrop_photo;

/// Reads JPEG, PNG or BMP of any size, told apart by content; JPEG pixels equal PIL's to the bit.
BACKDROP_EXPORT backdrop_status backdrop_photo_read(const char* file, backdrop_photo** photo);
/// Fills `image`, whose `size` the caller has set; its pixels live as long as the photo.
BACKDROP_EXPORT backdrop_status backdrop_photo_get_image(const backdrop_photo* photo, backdrop_image* image);
BACKDROP_EXPORT void backdrop_photo_free(backdrop_photo* photo);

#ifdef __cplusplus
}
#endif

#endif
