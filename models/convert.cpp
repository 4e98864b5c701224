/// \file
/// Writing and recognising folded checkpoints, see convert.h.
#include "models/convert.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <vector>

#include "backdrop/error.h"
#include "models/architectures.h"

namespace backdrop {
namespace {

constexpr const char* kFormatKey = "backdrop.format";
constexpr const char* kFormat = "folded-1";
constexpr const char* kArchKey = "backdrop.arch";
constexpr const char* kMeanKey = "backdrop.mean";
constexpr const char* kDeviationKey = "backdrop.deviation";
constexpr const char* kParametersKey = "backdrop.checkpoint_parameters";
constexpr const char* kFilledInKey = "backdrop.filled_in";
constexpr const char* kLeftOutKey = "backdrop.left_out";
constexpr std::array kSourceKeys = {"backdrop.source", "backdrop.source_sha256", "backdrop.source_format"};

std::vector<std::int64_t> weight_shape(const Layer& layer) {
  if (layer.kind == LayerKind::convolution) {
    return {layer.out.channels, layer.in.channels / layer.groups, layer.kernel, layer.kernel};
  }
  return {layer.out.channels, layer.in.height, layer.in.width, layer.in.channels};
}

/// The shortest decimal numbers that read back to the same bits.
std::string triple_text(const std::array<float, 3>& values) {
  return fmt::format("{} {} {}", values[0], values[1], values[2]);
}

const std::string& metadata_value(const Checkpoint& checkpoint, const char* key, const std::string& file) {
  const auto found = checkpoint.metadata.find(key);
  if (found == checkpoint.metadata.end()) {
    throw Error(ErrorCode::bad_input, fmt::format("the metadata has no {}", key), file);
  }
  return found->second;
}

[[noreturn]] void fail_value(const char* key, const std::string& value, const std::string& file) {
  throw Error(ErrorCode::bad_input, fmt::format("the metadata's {} cannot be read: '{:.80}'", key, value),
              file);
}

std::array<float, 3> read_triple(const Checkpoint& checkpoint, const char* key, const std::string& file) {
  const std::string& text = metadata_value(checkpoint, key, file);
  std::array<float, 3> values{};
  const char* position = text.data();
  const char* const end = text.data() + text.size();
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0 && (position == end || *position++ != ' ')) fail_value(key, text, file);
    const auto [next, status] = std::from_chars(position, end, values[i]);
    if (status != std::errc()) fail_value(key, text, file);
    position = next;
  }
  if (position != end) fail_value(key, text, file);
  return values;
}

std::int64_t read_count(const Checkpoint& checkpoint, const char* key, const std::string& file) {
  const std::string& text = metadata_value(checkpoint, key, file);
  std::int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [next, status] = std::from_chars(text.data(), end, value);
  if (status != std::errc() || next != end || value < 0) fail_value(key, text, file);
  return value;
}

std::map<std::string, std::string> provenance(const Checkpoint& source, const std::string& source_name) {
  if (!source.metadata.contains(kFormatKey)) {
    return {{kSourceKeys[0], source_name}, {kSourceKeys[1], source.sha256}, {kSourceKeys[2], source.format}};
  }
  std::map<std::string, std::string> carried;
  for (const char* key : kSourceKeys) {
    if (const auto found = source.metadata.find(key); found != source.metadata.end()) carried.insert(*found);
  }
  return carried;
}

}  // namespace

FoldedCheckpoint export_folded(const Network& network, const Checkpoint& source, const BuildReport& report,
                               const std::string& source_name) {
  FoldedCheckpoint folded;
  for (const Layer& layer : network.layers) {
    if (layer.weights.empty()) continue;
    folded.tensors[layer.name + ".weight"] = {weight_shape(layer), layer.weights};
    folded.tensors[layer.name + ".bias"] = {{layer.out.channels}, layer.bias};
  }
  folded.metadata = provenance(source, source_name);
  folded.metadata[kFormatKey] = kFormat;
  folded.metadata[kArchKey] = network.arch;
  folded.metadata[kMeanKey] = triple_text(network.normalization.mean);
  folded.metadata[kDeviationKey] = triple_text(network.normalization.deviation);
  folded.metadata[kParametersKey] = std::to_string(report.checkpoint_parameters);
  if (report.filled_in > 0) folded.metadata[kFilledInKey] = std::to_string(report.filled_in);
  if (report.left_out > 0) folded.metadata[kLeftOutKey] = std::to_string(report.left_out);
  return folded;
}

std::optional<FoldedHeader> read_folded_header(const Checkpoint& checkpoint, const std::string& file) {
  const auto format = checkpoint.metadata.find(kFormatKey);
  if (format == checkpoint.metadata.end()) return std::nullopt;
  if (format->second != kFormat) {
    throw Error(
        ErrorCode::bad_input,
        fmt::format("is a converted checkpoint of the format '{:.80}', and this version reads '{}': convert "
                    "the original again",
                    format->second, kFormat),
        file);
  }
  FoldedHeader header;
  header.arch = metadata_value(checkpoint, kArchKey, file);
  if (find_architecture(header.arch) == nullptr) fail_value(kArchKey, header.arch, file);
  header.normalization =
      Normalization{read_triple(checkpoint, kMeanKey, file), read_triple(checkpoint, kDeviationKey, file)};
  header.checkpoint_parameters = read_count(checkpoint, kParametersKey, file);
  if (checkpoint.metadata.contains(kFilledInKey))
    header.filled_in = read_count(checkpoint, kFilledInKey, file);
  if (checkpoint.metadata.contains(kLeftOutKey)) header.left_out = read_count(checkpoint, kLeftOutKey, file);
  return header;
}

}  // namespace backdrop
