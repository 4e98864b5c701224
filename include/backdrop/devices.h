/// \file
/// What devices there are, before a session is opened on one.
///
/// \code
/// for (const backdrop::DeviceDescription& found : backdrop::devices())
///   std::printf("%s %s\n", found.device.c_str(), found.trouble.c_str());  // "cpu ", "cuda:0 ", ...
/// \endcode
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "backdrop/export.h"

namespace backdrop {

struct DeviceDescription {
  std::string device = {};              ///< the word for OpenOptions::device: "cpu", "cuda:0", "cuda:1", ...
  std::string name = {};                ///< of a GPU
  std::string compute_capability = {};  ///< of a GPU: "9.0"
  std::size_t memory = 0;               ///< of a GPU: bytes, free or not
  std::string instructions = {};        ///< of the CPU: "AVX2 FMA AVX-512F"
  int threads = 0;  ///< of the CPU: those that a session takes unless it is told otherwise
  std::vector<std::string> precisions = {};  ///< for OpenOptions::precision; none if it cannot be used
  std::string trouble = {};                  ///< why it cannot be used, in one line; empty: it can
};

/// The CPU, then each GPU that this process sees; where there is none, "cuda" with nothing but the reason. No
/// GPU is opened for it, so that one which another process holds shows when a session is opened. Any thread.
BACKDROP_EXPORT std::vector<DeviceDescription> devices();

}  // namespace backdrop
