#include "engine/calibration.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <memory>

#include "backdrop/error.h"
#include "core/aligned.h"
#include "core/rounding.h"
#include "engine/position_network.h"
#include "kernels/composite.h"

namespace backdrop {
namespace {

using kernels::RowPointers;
using kernels::Source;
using kernels::ValueScale;

// Whether no element of a value can be below 0: what ReLU gives, and pools of that.
bool is_nonnegative(const Network& network, int value) {
  while (value > 0 && network.layers[value - 1].kind != LayerKind::convolution)
    value = network.layers[value - 1].input;
  return value > 0 && network.layers[value - 1].activation == Activation::relu;
}

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
  std::vector<std::uint8_t> pixels(composite.background->pixels.size());
  kernels::composite_photo_cpu(composite.foreground->pixels.data(), composite.background->pixels.data(),
                               composite.mask->values.data(), composite.mask->values.size(), pixels.data());
  return pixels;
}

constexpr std::size_t kTogether = 6;  // composites that share the reading of weights, at most

// Composites through the layers side by side, for the ranges of all values.
class Observer {
 public:
  Observer(const PositionNetwork& layers, std::size_t together, int threads)
      : layers_(layers),
        network_(layers.network()),
        count_(static_cast<int>(together)),
        rows_(count_, count_, 0),
        plan_(plan_deep_values(network_, rows_, {})),
        workers_(threads) {
    for (int i = 0; i < layers_.layers(); ++i) {
      lists_.push_back(whole_layer_list(network_, i, Source::mixed, rows_));
      tiles_.push_back(layers_.whole().tiles[i] ? whole_tile_list(network_, i, Source::mixed, rows_)
                                                : nullptr);
    }
  }

  // Of as many composites as the constructor was told.
  std::vector<Range> observe(std::span<const CompositePhotos> composites, int number) {
    Worker& worker = workers_[number];
    if (worker.values.size() == 0) {
      worker.values = AlignedBuffer(plan_.bytes);
      worker.last = AlignedBuffer(bytes_of(layers_.layers()));
      worker.scratch = AlignedBuffer(layers_.scratch_bytes());
    }
    write_pixels(composites, worker);
    std::vector<Range> seen(layers_.layers() + 1);
    for (int i = 0; i < layers_.layers(); ++i) {
      run_layer(i, worker);
      const std::size_t values = bytes_of(i + 1) / sizeof(float);
      for (const float value : std::span(place(i + 1, worker), values)) seen[i + 1].add(value);
    }
    return seen;
  }

 private:
  struct Worker {
    AlignedBuffer values;
    AlignedBuffer last;  // what the fully connected layers read
    AlignedBuffer scratch;
  };

  std::size_t bytes_of(int value) const { return network_.shape(value).size() * count_ * sizeof(float); }

  float* place(int value, const Worker& worker) const {
    return value == layers_.layers() ? worker.last.floats()
                                     : worker.values.floats() + plan_.offsets[value] / sizeof(float);
  }

  void write_pixels(std::span<const CompositePhotos> composites, const Worker& worker) const {
    const std::size_t pixels = network_.shape(0).size() / 3;
    const AlignedBuffer one(pixels * 3 * sizeof(float));
    for (std::size_t r = 0; r < composites.size(); ++r) {
      layers_.write_pixels(paste(composites[r]).data(), nullptr, pixels, one.data());
      for (std::size_t p = 0; p < pixels; ++p)
        std::copy_n(one.floats() + 3 * p, 3, place(0, worker) + 3 * (p * composites.size() + r));
    }
  }

  RowPointers pointers(int value, const Worker& worker) const {
    RowPointers result;
    for (int r = 0; value >= 0 && r < count_; ++r)
      result.rows[static_cast<int>(Source::mixed)][r] =
          place(value, worker) + r * mixed_layout(network_, value, count_).row_stride;
    return result;
  }

  void run_layer(int index, const Worker& worker) const {
    const Layer& layer = network_.layers[index];
    const RowPointers input = pointers(layer.input, worker);
    const RowPointers residual = pointers(layer.residual, worker);
    const RowPointers* added = layer.residual >= 0 ? &residual : nullptr;
    void* output[kTogether];
    for (int r = 0; r < count_; ++r)
      output[r] = place(index + 1, worker) + r * mixed_layout(network_, index + 1, count_).row_stride;
    if (tiles_[index])
      layers_.run_tiles(index, *tiles_[index], count_, input, added, output, worker.scratch.data());
    else
      layers_.run_positions(index, lists_[index], count_, input, added, nullptr, output,
                            worker.scratch.data());
  }

  const PositionNetwork& layers_;
  const Network& network_;
  int count_;
  BatchRows rows_;
  MemoryPlan plan_;
  std::vector<PositionList> lists_;
  std::vector<std::shared_ptr<const TileList>> tiles_;
  std::vector<Worker> workers_;
};

}  // namespace

Calibration calibrate(const PositionNetwork& layers, std::span<const CompositePhotos> composites,
                      ThreadPool& pool) {
  const std::size_t share = divide_up(composites.size(), pool.threads());
  const std::size_t together = std::clamp<std::size_t>(share, 1, kTogether);
  Observer observer(layers, together, pool.threads());
  std::vector<std::vector<Range>> seen(divide_up(composites.size(), together));
  pool.run(seen.size(), [&](std::size_t i, int worker) {
    // The last few are filled up with some from before: ranges stay as they are.
    const std::size_t first = std::min(i * together, composites.size() - together);
    seen[i] = observer.observe(composites.subspan(first, together), worker);
  });

  Calibration calibration;
  for (int v = 0; v <= layers.layers(); ++v) {
    Range all;
    for (const std::vector<Range>& some : seen) {
      all.add(some[v].least);
      all.add(some[v].largest);
    }
    calibration.values.push_back(scale_of(all));
  }
  // A maximum is one of its inputs, stored as they are.
  const Network& network = layers.network();
  for (int i = 0; i < layers.layers(); ++i)
    if (network.layers[i].kind == LayerKind::max_pool)
      calibration.values[i + 1] = calibration.values[network.layers[i].input];
  return calibration;
}

Calibration calibrate(std::shared_ptr<const Network> network, std::span<const CompositePhotos> composites,
                      ThreadPool& pool) {
  return calibrate(*make_float_network(std::move(network), 1, best_instruction_set(), pool), composites,
                   pool);
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
    scales.nonnegative = is_nonnegative(network, layer.input);
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
