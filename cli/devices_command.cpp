// backdrop devices: what --device can name here.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>

#include "backdrop/devices.h"
#include "cli/commands.h"
#include "cli/text_table.h"
#include "report/devices_json.h"

namespace backdrop {
namespace {

std::string description(const DeviceDescription& device) {
  if (device.threads > 0) return fmt::format("{} threads, {}", device.threads, device.instructions);
  constexpr double kGibibyte = 1 << 30;
  return fmt::format("{}, compute capability {}, {:.1f} GiB", device.name, device.compute_capability,
                     static_cast<double>(device.memory) / kGibibyte);
}

/// A row for each that is there, then a line for each that cannot be used.
std::string devices_text(const std::vector<DeviceDescription>& devices) {
  TextTable table;
  for (const char* title : {"Device", "Precisions", "Description"}) table.add_column(title);
  std::string troubles;
  for (const DeviceDescription& device : devices) {
    const bool usable = device.trouble.empty();
    if (!usable) troubles += fmt::format("{} cannot be used: {}\n", device.device, device.trouble);
    if (usable || !device.name.empty())
      table.add_row({device.device, usable ? fmt::format("{}", fmt::join(device.precisions, " ")) : "-",
                     description(device)});
  }
  return table.text() + troubles;
}

}  // namespace

void add_devices_command(CLI::App& application) {
  auto json = std::make_shared<bool>(false);
  CLI::App* command =
      application.add_subcommand("devices", "List what --device can name here, and why a GPU cannot be used");
  command->add_flag("--json", *json, "Print JSON instead of a table");
  command->callback([json] {
    const std::vector<DeviceDescription> found = devices();
    fmt::print("{}", *json ? devices_json(found) : devices_text(found));
  });
}

}  // namespace backdrop
