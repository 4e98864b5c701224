// Single operations on one thread, at the shapes of the networks: each is compared with its reference, then
// timed. Convolutions run over every position of a layer, for as many backgrounds as a register block has
// rows.
#include <fmt/format.h>

#include <limits>
#include <memory>

#include "bench/suites/suite.h"
#include "core/aligned.h"
#include "engine/layer_shapes.h"
#include "engine/position_lists.h"
#include "kernels/composite.h"
#include "kernels/dense.h"
#include "kernels/position_convolution.h"
#include "kernels/position_pool.h"
#include "kernels/winograd.h"

namespace backdrop::suite {
namespace {

using kernels::RowPointers;
using kernels::Source;

constexpr float kTolerance = 1e-4f;

/// A network of one layer, and some backgrounds' values as the engine lays them out:
/// [position][row][channel].
struct Scene {
  int rows;
  std::shared_ptr<Network> network = std::make_shared<Network>();
  std::vector<float> input;
  std::vector<float> output;
  RowPointers pointers;
  float* outputs[kernels::kMaxRows] = {};

  Scene(const Layer& shape, int backgrounds) : rows(backgrounds) {
    std::mt19937 generator(1);
    Layer layer = shape;
    layer.name = "layer";
    layer.out = {(layer.in.height + 2 * layer.padding - layer.kernel) / layer.stride + 1,
                 (layer.in.width + 2 * layer.padding - layer.kernel) / layer.stride + 1, layer.out.channels};
    if (layer.kind == LayerKind::convolution) {
      layer.weights = random_values(
          std::size_t(layer.out.channels) * layer.in.channels / layer.groups * layer.kernel * layer.kernel,
          generator);
      layer.bias = random_values(layer.out.channels, generator);
    }
    network->input = layer.in;
    network->layers.push_back(layer);
    // A list is laid out for what reads its output: another layer on positions.
    Layer next;
    next.input = 1;
    next.in = layer.out;
    next.out = layer.out;
    network->layers.push_back(next);
    input = random_values(rows * layer.in.size(), generator);
    output.assign(rows * layer.out.size(), std::numeric_limits<float>::quiet_NaN());
    for (int r = 0; r < rows; ++r) {
      pointers.rows[static_cast<int>(Source::mixed)][r] = input.data() + r * layer.in.channels;
      outputs[r] = output.data() + r * layer.out.channels;
    }
  }

  const Layer& layer() const { return network->layers.front(); }

  /// One row of [position][row][channel] as [position][channel].
  std::vector<float> row(const std::vector<float>& values, const ValueShape& shape, int index) const {
    std::vector<float> result;
    for (std::int64_t p = 0; p < std::int64_t{shape.height} * shape.width; ++p) {
      const float* from = values.data() + (p * rows + index) * shape.channels;
      result.insert(result.end(), from, from + shape.channels);
    }
    return result;
  }

  bool agrees(benchmark::State& state) const {
    const std::vector<float> photo = row(input, layer().in, rows - 1);
    std::vector<float> expected(layer().out.size());
    if (layer().kind == LayerKind::convolution)
      kernels::convolution_reference(convolution_shape(layer()), 1, photo.data(), layer().weights.data(),
                                     layer().bias.data(), nullptr, expected.data());
    else
      kernels::max_pool_reference(pool_shape(layer()), 1, photo.data(), expected.data());
    return check(state, row(output, layer().out, rows - 1), expected, kTolerance);
  }
};

void direct(benchmark::State& state, const Layer& shape, InstructionSet set) {
  Scene scene(shape, kernels::position_block(set).rows);
  const Layer& layer = scene.layer();
  const PositionList list = whole_layer_list(*scene.network, 0, Source::mixed, scene.rows);
  const kernels::PositionConvolution convolution(convolution_shape(layer), layer.weights.data(),
                                                 layer.bias.data(), set);
  std::int64_t done = 0;
  const auto run = [&] {
    done = convolution.run(list.work(), scene.rows, scene.pointers, nullptr, nullptr,
                           slope_of(layer.activation), scene.outputs);
  };
  run();
  if (!scene.agrees(state)) return;
  for (auto _ : state) run();
  count_multiply_adds(state, static_cast<double>(done), peak_of(1));
}

void winograd(benchmark::State& state, const Layer& shape, InstructionSet set) {
  Scene scene(shape, kernels::position_block(set).rows);
  const Layer& layer = scene.layer();
  const auto tiles = whole_tile_list(*scene.network, 0, Source::mixed, scene.rows);
  const kernels::WinogradConvolution convolution(convolution_shape(layer), layer.weights.data(),
                                                 layer.bias.data(), set);
  const AlignedBuffer scratch(convolution.scratch_floats() * sizeof(float));
  std::int64_t done = 0;
  const auto run = [&] {
    done = convolution.run(tiles->work(), scene.rows, scene.pointers, nullptr, slope_of(layer.activation),
                           scene.outputs, scratch.floats());
  };
  run();
  if (!scene.agrees(state)) return;
  for (auto _ : state) run();
  count_multiply_adds(state, static_cast<double>(done), peak_of(1));
  // What a direct convolution would have to reach to be as fast.
  state.counters["direct_GFLOP/s"] = benchmark::Counter(
      2e-9 * scene.rows *
          static_cast<double>(cost_of_layer(*scene.network, all_mixed(*scene.network), 0).multiply_adds),
      benchmark::Counter::kIsIterationInvariantRate);
}

void max_pool(benchmark::State& state, const Layer& shape) {
  Scene scene(shape, kernels::position_block(best_instruction_set()).rows);
  const PositionList list = whole_layer_list(*scene.network, 0, Source::mixed, scene.rows);
  const auto run = [&] {
    kernels::position_max_pool(scene.layer().in.channels, list.work(), scene.rows, scene.pointers,
                               scene.outputs);
  };
  run();
  if (!scene.agrees(state)) return;
  for (auto _ : state) run();
  count_bytes(state, sizeof(float) * static_cast<double>(scene.input.size() + scene.output.size()),
              peak_of(1));
}

void composite(benchmark::State& state) {
  constexpr std::size_t kPixels = 224 * 224;
  constexpr std::array<float, 3> kMean{0.4717f, 0.4499f, 0.3837f};
  constexpr std::array<float, 3> kDeviation{0.26f, 0.2516f, 0.2575f};
  std::mt19937 generator(1);
  std::vector<std::uint8_t> photos(2 * 3 * kPixels);
  std::vector<std::uint8_t> mask(kPixels);
  for (std::uint8_t& value : photos) value = static_cast<std::uint8_t>(generator());
  for (std::uint8_t& value : mask) value = generator() % 2;
  std::vector<float> output(3 * kPixels, std::numeric_limits<float>::quiet_NaN());
  std::vector<float> expected(3 * kPixels);
  const auto table = kernels::make_normalization_table(kMean, kDeviation);
  const std::uint8_t* background = photos.data() + 3 * kPixels;
  const auto run = [&] {
    kernels::composite_cpu(photos.data(), background, mask.data(), kPixels, table, output.data());
  };
  run();
  kernels::composite_reference(photos.data(), background, mask.data(), kPixels, kMean, kDeviation,
                               expected.data());
  if (!check(state, output, expected, 1e-6f)) return;
  for (auto _ : state) run();
  count_bytes(state, static_cast<double>(photos.size() + mask.size() + sizeof(float) * output.size()),
              peak_of(1));
}

void fully_connected(benchmark::State& state, std::int64_t inputs, int outputs) {
  constexpr int kBatch = 32;
  std::mt19937 generator(1);
  const kernels::FullyConnectedShape shape{inputs, outputs, 0.0f};
  const std::vector<float> weights = random_values(static_cast<std::size_t>(inputs) * outputs, generator);
  const std::vector<float> bias = random_values(outputs, generator);
  const std::vector<float> input = random_values(static_cast<std::size_t>(inputs) * kBatch, generator);
  std::vector<float> output(std::size_t(outputs) * kBatch, std::numeric_limits<float>::quiet_NaN());
  std::vector<float> expected(outputs);
  const auto operation = kernels::DenseOperation::fully_connected(shape, kBatch, weights.data(), bias.data());
  const AlignedBuffer scratch(operation.scratch_bytes() + 64);
  operation.run(input.data(), output.data(), scratch.data());
  kernels::fully_connected_reference(shape, 1, input.data(), weights.data(), bias.data(), expected.data());
  if (!check(state, output, expected, kTolerance)) return;
  for (auto _ : state) operation.run(input.data(), output.data(), scratch.data());
  count_multiply_adds(state, static_cast<double>(inputs) * outputs * kBatch, peak_of(1));
}

Layer convolution(int size, int channels, int out_channels, int kernel, int stride) {
  Layer layer;
  layer.kernel = kernel;
  layer.stride = stride;
  layer.padding = kernel / 2;
  layer.activation = Activation::relu;
  layer.in = {size, size, channels};
  layer.out.channels = out_channels;
  return layer;
}

void register_all() {
  struct Case {
    const char* name;
    Layer layer;
  };
  const Case cases[] = {{"stem", convolution(224, 3, 64, 7, 2)},
                        {"resnet18_layer1", convolution(56, 64, 64, 3, 1)},
                        {"resnet18_layer2", convolution(28, 128, 128, 3, 1)},
                        {"resnet18_layer3", convolution(14, 256, 256, 3, 1)},
                        {"resnet18_layer4", convolution(7, 512, 512, 3, 1)},
                        {"resnet18_layer3_stride2", convolution(28, 128, 256, 3, 2)},
                        {"resnet50_layer1_1x1_wide", convolution(56, 64, 256, 1, 1)},
                        {"resnet50_layer1_1x1_narrow", convolution(56, 256, 64, 1, 1)},
                        {"resnet50_layer3_1x1_narrow", convolution(14, 1024, 256, 1, 1)},
                        {"resnet50_layer4_1x1_wide", convolution(7, 512, 2048, 1, 1)},
                        {"vgg16_conv1_2", convolution(224, 64, 64, 3, 1)}};
  for (const InstructionSet set : usable_instruction_sets())
    for (const auto& [label, layer] : cases) {
      if (set == InstructionSet::portable) continue;
      const std::string name = fmt::format("{}/{}", label, backdrop::name(set));
      benchmark::RegisterBenchmark(("direct/" + name).c_str(), direct, layer, set)
          ->Unit(benchmark::kMillisecond);
      if (can_tile(Scene(layer, 1).layer()))
        benchmark::RegisterBenchmark(("winograd/" + name).c_str(), winograd, layer, set)
            ->Unit(benchmark::kMillisecond);
    }
  Layer pool = convolution(112, 64, 64, 3, 2);
  pool.kind = LayerKind::max_pool;
  benchmark::RegisterBenchmark("max_pool/resnet", max_pool, pool)->Unit(benchmark::kMillisecond);
  benchmark::RegisterBenchmark("composite/photo", composite)->Unit(benchmark::kMicrosecond);
  benchmark::RegisterBenchmark("fully_connected/vgg_first", fully_connected, 25088, 4096)
      ->Unit(benchmark::kMillisecond);
  benchmark::RegisterBenchmark("fully_connected/resnet50", fully_connected, 2048, 1000)
      ->Unit(benchmark::kMillisecond);
}

}  // namespace
}  // namespace backdrop::suite

int main(int argc, char** argv) {
  backdrop::suite::peak_of(1);
  backdrop::suite::register_all();
  return backdrop::suite::run(argc, argv);
}
