/// \file
/// The device that a caller names in words.
#pragma once

#include <string_view>
#include <vector>

namespace backdrop {

struct DeviceChoice {
  bool gpu = false;
  /// By index, each once; of a GPU engine. Empty: all that the machine has.
  std::vector<int> gpus;
};

/// Reads "auto" or "cpu" (no GPU), "cuda" (the first GPU), "cuda:1", "cuda:0,1,3" or "cuda:all". Throws usage
/// for anything else, and for a GPU that is named twice. Whether it is there is not asked.
DeviceChoice parse_device(std::string_view text);

}  // namespace backdrop
