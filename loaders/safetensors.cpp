#include "loaders/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <vector>

namespace backdrop {
namespace {

using nlohmann::json;

constexpr std::size_t kLengthBytes = 8;
constexpr std::uint64_t kLongestHeader = 100'000'000;  // the format's own limit
constexpr std::size_t kMostHeaderValues = std::size_t{1} << 21;
constexpr int kDeepestHeader = 3;  // header, tensor, shape

struct Extent {
  std::uint64_t begin;
  std::uint64_t end;
  std::string name;
};

std::optional<ElementType> element_type(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, ElementType>, 13> kTypes = {
      {{"F16", ElementType::f16},
       {"BF16", ElementType::bf16},
       {"F32", ElementType::f32},
       {"F64", ElementType::f64},
       {"I8", ElementType::i8},
       {"I16", ElementType::i16},
       {"I32", ElementType::i32},
       {"I64", ElementType::i64},
       {"U8", ElementType::u8},
       {"U16", ElementType::u16},
       {"U32", ElementType::u32},
       {"U64", ElementType::u64},
       {"BOOL", ElementType::boolean}}};
  const auto found =
      std::find_if(kTypes.begin(), kTypes.end(), [&](const auto& type) { return type.first == name; });
  return found == kTypes.end() ? std::nullopt : std::optional(found->second);
}

/// Parses the header and refuses what the JSON library would let pass: duplicate keys, depth and sheer
/// number.
json parse_header(Bytes bytes) {
  std::vector<std::set<std::string>> keys;  // of each object that is open
  std::size_t values = 0;
  const auto check = [&](int depth, json::parse_event_t event, json& parsed) {
    if (depth > kDeepestHeader || ++values > kMostHeaderValues)
      refuse("has a safetensors header that is nested too deep or too long");
    if (event == json::parse_event_t::object_start) keys.emplace_back();
    if (event == json::parse_event_t::object_end) keys.pop_back();
    if (event == json::parse_event_t::key && !keys.back().insert(parsed.get<std::string>()).second)
      refuse(fmt::format("has the key \"{}\" twice in its safetensors header",
                         printable(parsed.get<std::string>())));
    return true;
  };
  try {
    json header = json::parse(bytes.begin(), bytes.end(), check);
    if (!header.is_object()) refuse("has a safetensors header that is not a JSON object");
    return header;
  } catch (const json::exception& error) {
    const std::string_view reason = error.what();  // "[json.exception....] parse error at ..."
    refuse(
        fmt::format("has a damaged safetensors header:{}", printable(reason.substr(reason.find(']') + 1))));
  }
}

std::map<std::string, std::string> read_metadata(const json& value) {
  std::map<std::string, std::string> metadata;
  if (!value.is_object()) refuse("has a safetensors __metadata__ that is not an object");
  for (const auto& [key, text] : value.items()) {
    if (!text.is_string())
      refuse(fmt::format("has safetensors metadata \"{}\" that is not text", printable(key)));
    metadata.emplace(key, text.get<std::string>());
  }
  return metadata;
}

const json& member(const json& entry, const char* key, const std::string& name) {
  const auto found = entry.is_object() ? entry.find(key) : entry.end();
  if (found == entry.end()) refuse(fmt::format("has no {} for tensor \"{}\"", key, printable(name)));
  return *found;
}

std::vector<std::int64_t> naturals(const json& value, const std::string& name) {
  std::vector<std::int64_t> numbers;
  if (!value.is_array())
    refuse(fmt::format("has sizes or offsets of tensor \"{}\" that are no list", printable(name)));
  for (const json& number : value) {
    if (!number.is_number_unsigned() || number.get<std::uint64_t>() >> 62 != 0)
      refuse(fmt::format("has an impossible size or offset for tensor \"{}\"", printable(name)));
    numbers.push_back(number.get<std::int64_t>());
  }
  return numbers;
}

/// One tensor of the header; its bytes are checked to lie in `data` and to be as many as its type and shape
/// say.
RawTensor read_entry(const std::string& name, const json& entry, Bytes data, Extent& extent) {
  const json& dtype = member(entry, "dtype", name);
  const std::string type_name = dtype.is_string() ? dtype.get<std::string>() : dtype.dump();
  const std::optional<ElementType> type = element_type(type_name);
  if (!type)
    refuse(fmt::format("has tensor \"{}\" of type {}, which is not supported: save it as F32, F16 or BF16",
                       printable(name), printable(type_name)));
  RawTensor tensor;
  tensor.type = *type;
  tensor.shape = naturals(member(entry, "shape", name), name);
  const std::vector<std::int64_t> offsets = naturals(member(entry, "data_offsets", name), name);
  const std::optional<std::uint64_t> count = element_count(tensor.shape);
  if (!count || offsets.size() != 2)
    refuse(fmt::format("has impossible sizes for tensor \"{}\"", printable(name)));
  extent = {static_cast<std::uint64_t>(offsets[0]), static_cast<std::uint64_t>(offsets[1]), name};
  if (extent.begin > extent.end || extent.end > data.size())
    refuse(fmt::format("is truncated or damaged: tensor \"{}\" is said to lie at bytes {} to {} of {}",
                       printable(name), extent.begin, extent.end, data.size()));
  const std::uint64_t bytes = extent.end - extent.begin;
  if (bytes % element_size(*type) != 0 || bytes / element_size(*type) != *count)
    refuse(fmt::format("has {} bytes for the {} values of {} in tensor \"{}\"", bytes, *count,
                       element_name(*type), printable(name)));
  tensor.storage = data.subspan(extent.begin, bytes);
  tensor.strides = row_major_strides(tensor.shape);
  return tensor;
}

void check_coverage(std::vector<Extent> extents, std::uint64_t data_size) {
  std::sort(extents.begin(), extents.end(), [](const Extent& a, const Extent& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  std::uint64_t covered = 0;
  for (const Extent& extent : extents) {
    if (extent.begin != covered)
      refuse(fmt::format("is damaged: tensor \"{}\" {} in a safetensors file", printable(extent.name),
                         extent.begin < covered ? "overlaps another" : "follows a gap"));
    covered = extent.end;
  }
  if (covered != data_size)
    refuse(fmt::format("is damaged: {} bytes follow its last tensor", data_size - covered));
}

}  // namespace

bool is_safetensors(Bytes file) {
  if (file.size() <= kLengthBytes || file[kLengthBytes] != '{') return false;
  // Eight characters of text are no length: a text file may have its ninth character a brace.
  return !std::all_of(file.begin(), file.begin() + kLengthBytes,
                      [](std::uint8_t c) { return c >= ' ' && c <= '~'; });
}

RawStateDict read_safetensors(Bytes file, std::map<std::string, std::string>& metadata) {
  ByteCursor cursor(file, "the safetensors header");
  const auto length = cursor.number<std::uint64_t>();
  if (length > kLongestHeader)
    refuse(fmt::format("has a safetensors header of {} bytes; the format allows {}", length, kLongestHeader));
  const json header = parse_header(cursor.take(length));
  const Bytes data = file.subspan(cursor.position());

  RawStateDict tensors;
  std::vector<Extent> extents;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") {
      metadata = read_metadata(entry);
    } else {
      tensors.emplace_back(name, read_entry(name, entry, data, extents.emplace_back()));
    }
  }
  check_coverage(std::move(extents), data.size());
  return tensors;
}

}  // namespace backdrop
