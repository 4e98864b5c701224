// The C interface's list of devices.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "api/c_handles.h"
#include "api/c_support.h"

namespace backdrop::c {
namespace {

const char* text_or_null(const std::string& text) {
  return text.empty() ? nullptr : text.c_str();
}

}  // namespace
}  // namespace backdrop::c

using backdrop::c::guarded;
using backdrop::c::required;
using backdrop::c::text_or_null;

backdrop_status backdrop_devices_find(backdrop_devices** devices) {
  return guarded([&] {
    required(devices, "devices") = nullptr;
    auto found = std::make_unique<backdrop_devices>();
    for (backdrop::DeviceDescription& device : backdrop::devices()) {
      std::string precisions = fmt::format("{}", fmt::join(device.precisions, " "));
      found->devices.push_back({std::move(device), std::move(precisions)});
    }
    *devices = found.release();
  });
}

size_t backdrop_devices_count(const backdrop_devices* devices) {
  return devices != nullptr ? devices->devices.size() : 0;
}

backdrop_status backdrop_devices_get(const backdrop_devices* devices, size_t index, backdrop_device* device) {
  return guarded([&] {
    const auto& all = required(devices, "devices").devices;
    const std::size_t size = required(device, "device").size;
    backdrop::c::check_size(size, sizeof *device, "backdrop_device");
    if (index >= all.size())
      throw backdrop::Error(backdrop::ErrorCode::usage, fmt::format("device {} of {}", index, all.size()));
    const auto& [found, precisions] = all[index];
    *device = {.size = size,
               .device = found.device.c_str(),
               .name = text_or_null(found.name),
               .compute_capability = text_or_null(found.compute_capability),
               .instructions = text_or_null(found.instructions),
               .precisions = text_or_null(precisions),
               .trouble = text_or_null(found.trouble),
               .memory = found.memory,
               .threads = found.threads};
  });
}

void backdrop_devices_free(backdrop_devices* devices) {
  delete devices;
}
