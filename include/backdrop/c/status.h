/// \file
/// What every function of the C library returns. Included by backdrop/backdrop.h, which says what holds for
/// all of it.
#ifndef BACKDROP_C_STATUS_H
#define BACKDROP_C_STATUS_H

#include <stddef.h>
#include <stdint.h>

#include "backdrop/export.h"
#include "backdrop/version_number.h"

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

/// "0.1.0": the library that is running; BACKDROP_VERSION_MAJOR and so on are the headers'.
BACKDROP_EXPORT const char* backdrop_version(void);

/// One line about the last call of this thread that failed; empty if none did. Good until the next one.
BACKDROP_EXPORT const char* backdrop_last_error(void);

#ifdef __cplusplus
}
#endif

#endif
