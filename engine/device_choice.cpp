#include "engine/device_choice.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "backdrop/error.h"

namespace backdrop {
namespace {

constexpr std::string_view kGpu = "cuda";
constexpr std::string_view kGpus = "cuda:";

[[noreturn]] void refuse(std::string_view text) {
  throw Error(ErrorCode::usage,
              fmt::format("{} is not a device: auto, cpu, cuda, cuda:N, cuda:N,M or cuda:all", text));
}

std::vector<int> parse_list(std::string_view list, std::string_view text) {
  std::vector<int> gpus;
  const char* at = list.data();
  const char* const end = list.data() + list.size();
  while (true) {
    int index = -1;
    const auto [stop, error] = std::from_chars(at, end, index);
    if (error != std::errc() || index < 0 || (stop != end && *stop != ',')) refuse(text);
    if (std::find(gpus.begin(), gpus.end(), index) != gpus.end())
      throw Error(ErrorCode::usage, fmt::format("{} names GPU {} twice", text, index));
    gpus.push_back(index);
    if (stop == end) return gpus;
    at = stop + 1;
  }
}

}  // namespace

DeviceChoice parse_device(std::string_view text) {
  if (text == "auto" || text == "cpu") return {};
  if (text == kGpu) return {true, {0}};
  if (!text.starts_with(kGpus)) refuse(text);
  const std::string_view list = text.substr(kGpus.size());
  if (list == "all") return {true, {}};
  return {true, parse_list(list, text)};
}

}  // namespace backdrop
