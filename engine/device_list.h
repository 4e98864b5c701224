/// \file
/// The devices of this machine, looked at without being opened.
#pragma once

#include <vector>

#include "backdrop/devices.h"

namespace backdrop {

DeviceDescription describe_cpu();

/// Each GPU that this process sees, in the order of their indices; where there is none, one entry: "cuda" and
/// why.
std::vector<DeviceDescription> describe_gpus();

}  // namespace backdrop
