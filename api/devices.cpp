#include "backdrop/devices.h"

#include <iterator>

#include "engine/device_list.h"

namespace backdrop {

std::vector<DeviceDescription> devices() {
  std::vector<DeviceDescription> all{describe_cpu()};
  std::vector<DeviceDescription> gpus = describe_gpus();
  all.insert(all.end(), std::make_move_iterator(gpus.begin()), std::make_move_iterator(gpus.end()));
  return all;
}

}  // namespace backdrop
