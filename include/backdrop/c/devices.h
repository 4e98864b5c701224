/// \file
/// What devices there are, from C. Included by backdrop/backdrop.h, which says what holds for all of it.
///
/// \code
/// backdrop_devices* devices = NULL;
/// backdrop_device device = {sizeof device};
/// if (backdrop_devices_find(&devices) == BACKDROP_OK)
///   for (size_t i = 0; i < backdrop_devices_count(devices); ++i)
///     if (backdrop_devices_get(devices, i, &device) == BACKDROP_OK && device.trouble == NULL)
///       puts(device.device);
/// backdrop_devices_free(devices);
/// \endcode
#ifndef BACKDROP_C_DEVICES_H
#define BACKDROP_C_DEVICES_H

#include <stddef.h>
#include <stdint.h>

#include "backdrop/c/status.h"
#include "backdrop/export.h"

#ifdef __cplusplus
extern "C" {
#endif

/// A list of devices.
typedef struct backdrop_devices backdrop_devices;

/// Texts live as long as the list; NULL is for what a device has not.
typedef struct backdrop_device {
  size_t size;
  const char* device;              ///< for backdrop_open_options: "cpu", "cuda:0", "cuda:1", ...
  const char* name;                ///< of a GPU
  const char* compute_capability;  ///< of a GPU: "9.0"
  const char* instructions;        ///< of the CPU: "AVX2 FMA AVX-512F"
  const char* precisions;          ///< for backdrop_open_options, with spaces between: "fp32 bf16 int8"
  const char* trouble;             ///< why it cannot be used, in one line; NULL: it can
  uint64_t memory;                 ///< of a GPU: bytes, free or not
  int32_t threads;                 ///< of the CPU: those that a session takes unless it is told otherwise
} backdrop_device;

/// Lists the CPU, then each GPU that this process sees; where there is none, "cuda" with nothing but the
/// reason. No GPU is opened for it, so that one which another process holds shows when a session is opened.
BACKDROP_EXPORT backdrop_status backdrop_devices_find(backdrop_devices** devices);
/// 0 for NULL.
BACKDROP_EXPORT size_t backdrop_devices_count(const backdrop_devices* devices);
/// Fills `device`, whose `size` the caller has set.
BACKDROP_EXPORT backdrop_status backdrop_devices_get(const backdrop_devices* devices, size_t index,
                                                     backdrop_device* device);
BACKDROP_EXPORT void backdrop_devices_free(backdrop_devices* devices);

#ifdef __cplusplus
}
#endif

#endif
