// Tiles go through in chunks: input transforms of a chunk, its products point by point, its output
// transforms. A chunk is large enough that each point's weights serve many rows, and small enough that its
// points stay in cache.
#include "kernels/winograd.h"

#include <algorithm>

#include "kernels/winograd_transform.h"

namespace backdrop::kernels {
namespace {

constexpr int kRowsWanted = 64;  // of one point's product
constexpr std::size_t kChunkFloats = (std::size_t{512} << 10) / 4;

// G of F(4, 3), with the points 0, 1, -1, 2, -2.
constexpr double kFilterPoints[kTileInputs][3] = {{1.0 / 4, 0, 0},
                                                  {-1.0 / 6, -1.0 / 6, -1.0 / 6},
                                                  {-1.0 / 6, 1.0 / 6, -1.0 / 6},
                                                  {1.0 / 24, 1.0 / 12, 1.0 / 6},
                                                  {1.0 / 24, -1.0 / 12, 1.0 / 6},
                                                  {0, 0, 1}};

// G g G' of every filter: [K][C][6][6], the layout of a convolution with a 6 x 6 window.
std::vector<float> transform_filters(const ConvolutionShape& shape, const float* weights) {
  std::vector<float> result;
  result.reserve(std::size_t(shape.channels) * shape.out_channels * kTilePoints);
  for (std::int64_t f = 0; f < std::int64_t{shape.channels} * shape.out_channels; ++f) {
    for (const auto& y : kFilterPoints) {
      for (const auto& x : kFilterPoints) {
        double sum = 0;
        for (int i = 0; i < 3; ++i)
          for (int j = 0; j < 3; ++j) sum += y[i] * weights[f * 9 + 3 * i + j] * x[j];
        result.push_back(static_cast<float>(sum));
      }
    }
  }
  return result;
}

ConvolutionShape product_shape(ConvolutionShape shape) {
  shape.kernel = kTileInputs;
  shape.padding = 0;
  return shape;
}

WinogradTransforms transforms_for(InstructionSet set) {
  switch (set) {
#if defined(__x86_64__)
    case InstructionSet::avx512:
      return winograd_transforms_avx512();
    case InstructionSet::avx2:
      return winograd_transforms_avx2();
#endif
    default:
      return winograd_transforms_portable();
  }
}

// The list of one chunk's products: for each point, every tile; one tap a position, no bias.
struct ProductList {
  std::vector<std::int32_t> output, first_tap{0};
  std::vector<Tap> taps;

  ProductList(int tiles, std::int64_t input_block, std::int64_t output_block) {
    for (int i = 0; i < kTilePoints * tiles; ++i) {
      output.push_back(static_cast<std::int32_t>(i * output_block));
      taps.push_back(
          {static_cast<std::int32_t>(i * input_block), static_cast<std::int16_t>(i / tiles), Source::mixed});
      first_tap.push_back(i + 1);
    }
  }
  PositionWork work() const { return {output, first_tap, taps, {}, {}}; }
};

}  // namespace

bool WinogradConvolution::applies(const ConvolutionShape& shape) {
  return shape.kernel == 3 && shape.stride == 1 && shape.padding == 1 && shape.groups == 1;
}

WinogradConvolution::WinogradConvolution(const ConvolutionShape& shape, const float* weights,
                                         const float* bias, InstructionSet set)
    : shape_(shape),
      set_(set),
      products_(product_shape(shape), transform_filters(shape, weights).data(),
                std::vector<float>(shape.out_channels, 0.0f).data(), set),
      bias_(bias, bias + shape.out_channels) {}

int WinogradConvolution::chunk_tiles(int rows) const {
  const std::size_t tile_floats = std::size_t(kTilePoints) * rows * (shape_.channels + shape_.out_channels);
  const int fitting = static_cast<int>(kChunkFloats / tile_floats);
  return std::max({1, fitting, (kRowsWanted + rows - 1) / rows});
}

std::size_t WinogradConvolution::scratch_floats(int rows) const {
  return std::size_t(chunk_tiles(rows)) * kTilePoints * rows * (shape_.channels + shape_.out_channels);
}

std::int64_t WinogradConvolution::run(const TileWork& work, int rows, const RowPointers& input,
                                      const RowPointers* residual, float slope, float* const* output,
                                      float* scratch) const {
  const WinogradTransforms transforms = transforms_for(set_);
  const int tiles = static_cast<int>(work.inputs.size()) / kTilePoints;
  const int chunk = std::min(chunk_tiles(rows), std::max(1, tiles));
  const std::int64_t input_block = std::int64_t{rows} * shape_.channels;
  const std::int64_t output_block = std::int64_t{rows} * shape_.out_channels;
  float* transformed = scratch;
  float* products = scratch + std::int64_t{chunk} * kTilePoints * input_block;

  RowPointers product_input;
  float* product_output[kMaxRows];
  for (int r = 0; r < rows; ++r) {
    product_input.rows[static_cast<int>(Source::mixed)][r] = transformed + r * shape_.channels;
    product_output[r] = products + r * shape_.out_channels;
  }
  std::int64_t multiply_adds = 0;
  ProductList list(chunk, input_block, output_block);
  for (int first = 0; first < tiles; first += chunk) {
    const int count = std::min(chunk, tiles - first);
    if (count < chunk) list = ProductList(count, input_block, output_block);
    for (int tile = 0; tile < count; ++tile) {
      const Tap* taps = &work.inputs[std::size_t(first + tile) * kTilePoints];
      for (int r = 0; r < rows; ++r) {
        const float* pointers[kTilePoints];
        for (int i = 0; i < kTilePoints; ++i)
          pointers[i] = taps[i].weight == kOutside ? nullptr : input.at(taps[i], r);
        transforms.input({pointers, shape_.channels, transformed + tile * input_block + r * shape_.channels,
                          count * input_block});
      }
    }
    multiply_adds += products_.run(list.work(), rows, product_input, nullptr, nullptr, 1.0f, product_output);
    for (int tile = 0; tile < count; ++tile) {
      const std::size_t place = std::size_t(first + tile) * kTile * kTile;
      for (int r = 0; r < rows; ++r) {
        float* targets[kTile * kTile];
        const float* added[kTile * kTile];
        for (int i = 0; i < kTile * kTile; ++i) {
          const std::int32_t offset = work.outputs[place + i];
          targets[i] = offset < 0 ? nullptr : output[r] + offset;
          added[i] =
              work.residual.empty() || offset < 0 ? nullptr : residual->at(work.residual[place + i], r);
        }
        transforms.output({products + tile * output_block + r * shape_.out_channels, count * output_block,
                           shape_.out_channels, bias_.data(), work.residual.empty() ? nullptr : added, slope,
                           targets});
      }
    }
  }
  return multiply_adds;
}

}  // namespace backdrop::kernels
