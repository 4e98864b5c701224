// The devices of a machine, as JSON.
#include "report/devices_json.h"

#include "report/json_parts.h"

namespace backdrop {
namespace {

template <typename T>
Json value_or_null(const T& value) {
  return value == T() ? Json() : Json(value);
}

}  // namespace

std::string devices_json(const std::vector<DeviceDescription>& devices) {
  Json json = Json::array();
  for (const DeviceDescription& device : devices)
    json.push_back({{"device", device.device},
                    {"name", value_or_null(device.name)},
                    {"compute_capability", value_or_null(device.compute_capability)},
                    {"memory", value_or_null(device.memory)},
                    {"instructions", value_or_null(device.instructions)},
                    {"threads", value_or_null(device.threads)},
                    {"precisions", device.precisions},
                    {"trouble", value_or_null(device.trouble)}});
  return json_text(json);
}

}  // namespace backdrop
