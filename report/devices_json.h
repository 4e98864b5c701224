/// \file
/// The devices of a machine, as JSON.
#pragma once

#include <string>
#include <vector>

#include "backdrop/devices.h"

namespace backdrop {

/// A list with one object a device; what a device has not is null.
std::string devices_json(const std::vector<DeviceDescription>& devices);

}  // namespace backdrop
