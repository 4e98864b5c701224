// From a model's classes to the nine of IN-9. The published map (in_to_in9.json of
// https://github.com/MadryLab/backgrounds_challenge) follows the WordNet tree, so it is kept as runs of
// neighbouring ImageNet classes; the 630 classes between the runs belong to none of the nine.
#include "loaders/class_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>
#include <string>

#include "backdrop/error.h"
#include "loaders/dataset.h"
#include "loaders/file.h"

namespace backdrop {

namespace {

constexpr int kImageNetClasses = 1000;
constexpr std::size_t kMaxMapBytes = std::size_t{16} << 20;

/// ImageNet classes first..last, all of one IN-9 label.
struct Run {
  short first, last, label;
};

constexpr Run kPublishedMap[] = {
    {0, 6, 8},     {7, 24, 1},    {33, 68, 3},   {87, 100, 1},  {127, 146, 1}, {151, 170, 0}, {173, 268, 0},
    {269, 280, 4}, {286, 299, 4}, {300, 326, 5}, {356, 362, 4}, {365, 384, 7}, {387, 388, 4}, {389, 397, 8},
    {401, 402, 6}, {407, 408, 2}, {420, 420, 6}, {428, 428, 2}, {432, 432, 6}, {436, 436, 2}, {444, 444, 2},
    {468, 468, 2}, {486, 486, 6}, {494, 494, 6}, {511, 511, 2}, {513, 513, 6}, {541, 541, 6}, {546, 546, 6},
    {547, 547, 2}, {555, 555, 2}, {558, 558, 6}, {561, 561, 2}, {565, 565, 2}, {566, 566, 6}, {569, 569, 2},
    {573, 573, 2}, {577, 577, 6}, {579, 579, 6}, {586, 586, 2}, {593, 594, 6}, {603, 603, 2}, {609, 609, 2},
    {612, 612, 2}, {627, 627, 2}, {641, 642, 6}, {656, 656, 2}, {661, 661, 2}, {665, 665, 2}, {670, 671, 2},
    {675, 675, 2}, {683, 684, 6}, {687, 687, 6}, {690, 690, 2}, {699, 699, 6}, {705, 705, 2}, {717, 717, 2},
    {734, 734, 2}, {751, 751, 2}, {757, 757, 2}, {776, 776, 6}, {791, 791, 2}, {802, 803, 2}, {817, 817, 2},
    {820, 820, 2}, {822, 822, 6}, {829, 829, 2}, {847, 847, 2}, {864, 864, 2}, {866, 867, 2}, {870, 870, 2},
    {875, 875, 6}, {880, 880, 2}, {881, 881, 6}, {889, 889, 6}};

ClassMap published_map() {
  ClassMap map{std::vector<int>(kImageNetClasses, -1)};
  for (const Run& run : kPublishedMap)
    for (int index = run.first; index <= run.last; ++index)
      map.in9[static_cast<std::size_t>(index)] = run.label;
  return map;
}

/// Parses one flat object; a key given twice, which the parser would pass over, is refused.
nlohmann::json parse_object(std::span<const std::byte> bytes, const std::string& file) {
  using nlohmann::json;
  std::set<std::string> keys;
  const auto check = [&](int depth, json::parse_event_t event, json& parsed) {
    if (depth > 0 &&
        (event == json::parse_event_t::object_start || event == json::parse_event_t::array_start))
      refuse(file, "is not a flat object of class numbers, such as {\"0\": -1, \"1\": 3}");
    if (event == json::parse_event_t::key && !keys.insert(parsed.get<std::string>()).second)
      refuse(file, fmt::format("gives class {} twice", parsed.dump()));
    return true;
  };
  const auto* text = reinterpret_cast<const char*>(bytes.data());
  try {
    return json::parse(text, text + bytes.size(), check);
  } catch (const json::exception& error) {
    refuse(file, fmt::format("is not valid JSON: {}", error.what()));
  }
}

/// "17" to 17; refuses signs, leading zeros and anything that is not a class of the model.
int parse_class(const std::string& key, int classes, const std::string& file) {
  int value = -1;
  const char* end = key.data() + key.size();
  const auto [stop, error] = std::from_chars(key.data(), end, value);
  if (error != std::errc() || stop != end || key != std::to_string(value))
    refuse(file, fmt::format("has the key {}; keys are class numbers", nlohmann::json(key).dump()));
  if (value < 0 || value >= classes)
    refuse(file, fmt::format("maps class {}, but the model has the classes 0 to {}", value, classes - 1));
  return value;
}

/// -1 to 8. The parser makes whole numbers without a sign unsigned.
bool is_label(const nlohmann::json& value) {
  if (value.is_number_unsigned()) return value.get<std::uint64_t>() < std::uint64_t{kIn9Classes};
  return value.is_number_integer() && value.get<std::int64_t>() == -1;
}

}  // namespace

ClassMap default_class_map(int classes) {
  if (classes == kImageNetClasses) return published_map();
  if (classes != kIn9Classes)
    throw Error(
        ErrorCode::usage,
        fmt::format("a model with {} classes needs a class map (a file like in_to_in9.json); models with {} "
                    "or {} classes have one built in",
                    classes, kIn9Classes, kImageNetClasses));
  ClassMap map{std::vector<int>(kIn9Classes)};
  std::iota(map.in9.begin(), map.in9.end(), 0);
  return map;
}

ClassMap parse_class_map(std::span<const std::byte> bytes, int classes, const std::string& file) {
  if (const std::string stray = describe_stray_content(bytes); !stray.empty()) refuse(file, stray);
  const nlohmann::json object = parse_object(bytes, file);
  if (!object.is_object()) refuse(file, "is not a JSON object");

  constexpr int kUnset = -2;
  ClassMap map{std::vector<int>(static_cast<std::size_t>(classes), kUnset)};
  for (const auto& [key, value] : object.items()) {
    const int index = parse_class(key, classes, file);
    if (!is_label(value))
      refuse(file, fmt::format("maps class {} to {}; labels are -1 (none) to {}", index, value.dump(),
                               kIn9Classes - 1));
    map.in9[static_cast<std::size_t>(index)] = value.get<int>();
  }
  for (int index = 0; index < classes; ++index)
    if (map.in9[static_cast<std::size_t>(index)] == kUnset)
      refuse(file, fmt::format("lacks class {}: every class from 0 to {} must be there", index, classes - 1));
  return map;
}

ClassMap read_class_map(const std::filesystem::path& path, int classes) {
  return parse_class_map(read_file(path, kMaxMapBytes), classes, path.string());
}

std::string class_map_text(const ClassMap& map) {
  std::string text;
  for (std::size_t begin = 0; begin < map.in9.size();) {
    std::size_t end = begin;
    while (end < map.in9.size() && map.in9[end] == map.in9[begin]) ++end;
    text += fmt::format("{}{}*{}", text.empty() ? "" : " ", map.in9[begin], end - begin);
    begin = end;
  }
  return text;
}

ClassMap parse_class_map_text(const std::string& text, int classes, const std::string& file) {
  const auto require = [&](bool sound) {
    if (!sound)
      refuse(file, fmt::format("holds a damaged class map: not the labels of {} classes, such as '0*5 -1*4'",
                               classes));
  };
  ClassMap map;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    int label = 0;
    int count = 0;
    const auto first = std::from_chars(at, end, label);
    require(first.ec == std::errc() && first.ptr != end && *first.ptr == '*' && label >= -1 &&
            label < kIn9Classes);
    const auto second = std::from_chars(first.ptr + 1, end, count);
    require(second.ec == std::errc() && count > 0 && count <= classes - static_cast<int>(map.in9.size()));
    map.in9.insert(map.in9.end(), static_cast<std::size_t>(count), label);
    at = second.ptr;
    if (at != end) require(*at++ == ' ' && at != end);
  }
  require(map.in9.size() == static_cast<std::size_t>(std::max(classes, 0)));
  return map;
}

}  // namespace backdrop
