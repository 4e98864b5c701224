#include "engine/calibration.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <memory>

#include "backdrop/error.h"
#include "core/aligned.h"
#include "engine/position_network.h"

namespace backdrop {
namespace {

using kernels::RowPointers;
using kernels::Source;
using kernels::ValueScale;

// The ends of a value's range, and 0.
struct Range {
  float least = 0;
  float largest = 0;

  void add(float value) {
    least = std::min(least, value);
    largest = std::max(largest, value);
  }
};

// 256 steps, of which one is 0.
ValueScale scale_of(const Range& range) {
  ValueScale scale{std::max(range.largest - range.least, 1e-20f) / 255.0f, 0.0f};
  scale.zero = std::clamp(std::nearbyint(-range.least / scale.scale), 0.0f, 255.0f) + 0.0f;  // never -0
  return scale;
}

// The composite's 8-bit pixels.
std::vector<std::uint8_t> paste(const CompositePhotos& composite) {
  std::vector<std::uint8_t> pixels = composite.background->pixels;
  for (std::size_t p = 0; p < composite.mask->values.size(); ++p)
    if (composite.mask->values[p] != 0) std::copy_n(&composite.foreground->pixels[3 * p], 3, &pixels[3 * p]);
  return pixels;
}

// The ranges of every value of one composite, each in memory of its own.
std::vector<Range> observe(const PositionNetwork& network, const CompositePhotos& composite) {
  const Network& layers = network.network();
  std::vector<AlignedBuffer> values;
  for (int v = 0; v <= network.layers(); ++v) values.emplace_back(layers.shape(v).size() * sizeof(float));
  const std::vector<std::uint8_t> photo = paste(composite);
  network.write_pixels(photo.data(), nullptr, photo.size() / 3, values[0].data());
  const AlignedBuffer scratch(network.scratch_bytes());
  const auto pointers = [&](int value) {
    RowPointers result;
    if (value >= 0) result.rows[static_cast<int>(Source::mixed)][0] = values[value].data();
    return result;
  };
  std::vector<Range> seen(values.size());
  for (int i = 0; i < network.layers(); ++i) {
    const Layer& layer = layers.layers[i];
    const RowPointers input = pointers(layer.input);
    const RowPointers residual = pointers(layer.residual);
    const RowPointers* added = layer.residual >= 0 ? &residual : nullptr;
    void* const output[1] = {values[i + 1].data()};
    if (network.whole().tiles[i])
      network.run_tiles(i, *network.whole().tiles[i], 1, input, added, output, scratch.data());
    else
      network.run_positions(i, *network.whole().positions[i], 1, input, added, nullptr, output);
    for (const float value : std::span(values[i + 1].floats(), layer.out.size())) seen[i + 1].add(value);
  }
  return seen;
}

}  // namespace

Calibration calibrate(std::shared_ptr<const Network> network, std::span<const CompositePhotos> composites,
                      ThreadPool& pool) {
  const auto layers = make_float_network(network, 1, best_instruction_set());
  std::vector<std::vector<Range>> seen(composites.size());
  pool.run(composites.size(), [&](std::size_t i, int) { seen[i] = observe(*layers, composites[i]); });

  Calibration calibration;
  for (int v = 0; v <= layers->layers(); ++v) {
    Range all;
    for (const std::vector<Range>& composite : seen) {
      all.add(composite[v].least);
      all.add(composite[v].largest);
    }
    calibration.values.push_back(scale_of(all));
  }
  // A maximum is one of its inputs, stored as they are.
  for (int i = 0; i < layers->layers(); ++i)
    if (network->layers[i].kind == LayerKind::max_pool)
      calibration.values[i + 1] = calibration.values[network->layers[i].input];
  return calibration;
}

kernels::ValueScale int16_pixel_scale(const Normalization& normalization) {
  float largest = 0;
  for (std::size_t c = 0; c < 3; ++c)
    largest = std::max({largest, normalization.mean[c] / normalization.deviation[c],
                        (1.0f - normalization.mean[c]) / normalization.deviation[c]});
  return {largest / static_cast<float>(kernels::kInt16Most), 0.0f};
}

kernels::DotScales layer_scales(const Network& network, int index, const Calibration& calibration,
                                Precision precision) {
  const Layer& layer = network.layers[index];
  kernels::DotScales scales;
  if (precision == Precision::int16) {
    const auto scale_of_value = [&](int value) {
      return value == 0 ? int16_pixel_scale(network.normalization)
                        : kernels::int16_scale(calibration.values[value]);
    };
    scales.input.assign(layer.in.channels, scale_of_value(layer.input));
    if (layer.residual >= 0) scales.residual = scale_of_value(layer.residual);
    scales.output = scale_of_value(index + 1);
    return scales;
  }
  scales.input.assign(layer.in.channels, calibration.values[layer.input]);
  if (layer.input == 0) {
    scales.input.assign(layer.in.channels, {1.0f, 0.0f});
    for (std::size_t c = 0; c < 3; ++c) {
      // x = (v / 255 - mean) / deviation
      scales.input[c] = {1.0f / (255.0f * network.normalization.deviation[c]),
                         255.0f * network.normalization.mean[c]};
    }
  }
  if (layer.residual >= 0) scales.residual = calibration.values[layer.residual];
  scales.output = calibration.values[index + 1];
  return scales;
}

std::string calibration_text(const Calibration& calibration) {
  std::string text;
  for (const ValueScale& value : calibration.values)
    text += fmt::format("{}{} {}", text.empty() ? "" : " ", value.scale, value.zero);
  return text;
}

Calibration read_calibration(const std::string& text, const Network& network, const std::string& file) {
  Calibration calibration;
  const char* position = text.data();
  const char* const end = text.data() + text.size();
  const auto number = [&] {
    float value = 0;
    while (position != end && *position == ' ') ++position;
    const auto [next, status] = std::from_chars(position, end, value);
    if (status != std::errc() || !std::isfinite(value))
      throw Error(ErrorCode::bad_input, "the int8 calibration in the metadata cannot be read", file);
    position = next;
    return value;
  };
  const auto expected = static_cast<std::size_t>(first_fully_connected(network)) + 1;
  while (position != end && calibration.values.size() < expected) {
    ValueScale value;
    value.scale = number();
    value.zero = number();
    if (!(value.scale > 0) || value.zero < 0 || value.zero > 255 || value.zero != std::floor(value.zero))
      throw Error(ErrorCode::bad_input, "the int8 calibration in the metadata holds an impossible scale",
                  file);
    calibration.values.push_back(value);
  }
  if (calibration.values.size() != expected || position != end)
    throw Error(ErrorCode::bad_input, "the int8 calibration in the metadata is not of this network", file);
  return calibration;
}

std::optional<Calibration> carried_calibration(const Checkpoint& checkpoint, const Network& network,
                                               const std::string& file) {
  const auto found = checkpoint.metadata.find(kCalibrationKey);
  if (found == checkpoint.metadata.end()) return std::nullopt;
  return read_calibration(found->second, network, file);
}

}  // namespace backdrop
