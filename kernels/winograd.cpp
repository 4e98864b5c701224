// Tiles go through in chunks: input transforms of a chunk, its products point by point, its output
// transforms. A chunk is large enough that each point's weights serve many rows, and small enough that its
// points stay in cache.
#include "kernels/winograd.h"

#include <algorithm>

#include "kernels/winograd_parts.h"
#include "kernels/winograd_transform.h"

namespace backdrop::kernels {
namespace {

constexpr int kRowsWanted = 64;  // of one point's product
constexpr std::size_t kChunkFloats = (std::size_t{512} << 10) / 4;

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
  const std::int64_t flat = std::int64_t{chunk_tiles(rows)} * rows;
  return static_cast<std::size_t>(
      kTilePoints * (point_stride(flat, shape_.channels) + point_stride(flat, shape_.out_channels)));
}

void WinogradConvolution::transform_inputs(std::span<const Tap> taps, int rows, const RowPointers& input,
                                           float* transformed) const {
  const WinogradTransforms transforms = transforms_for(set_);
  const std::int64_t flat = std::ssize(taps) / kTilePoints * rows;
  for (std::int64_t row = 0; row < flat; ++row) {
    const Tap* tile = &taps[static_cast<std::size_t>(row / rows * kTilePoints)];
    const void* pointers[kTilePoints];
    for (int i = 0; i < kTilePoints; ++i)
      pointers[i] = tile[i].weight == kOutside ? nullptr : input.at(tile[i], static_cast<int>(row % rows));
    transforms.input({pointers,
                      shape_.channels,
                      {},
                      transformed + row * shape_.channels,
                      point_stride(flat, shape_.channels)});
  }
}

std::int64_t WinogradConvolution::multiply(std::int64_t flat, const float* transformed,
                                           float* products) const {
  RowPointers input;
  float* output[kMaxRows];
  for (int r = 0; r < kMaxRows; ++r) {
    input.rows[static_cast<int>(Source::mixed)][r] = transformed + r * shape_.channels;
    output[r] = products + r * shape_.out_channels;
  }
  std::int64_t multiply_adds = 0;
  const auto left = static_cast<int>(flat % kMaxRows);
  if (flat >= kMaxRows)
    multiply_adds += products_.run(ProductList(flat, false, shape_).work(), kMaxRows, input, nullptr, nullptr,
                                   1.0f, output);
  if (left > 0)
    multiply_adds +=
        products_.run(ProductList(flat, true, shape_).work(), left, input, nullptr, nullptr, 1.0f, output);
  return multiply_adds;
}

void WinogradConvolution::transform_outputs(const TileWork& work, int first, int count, int rows,
                                            const float* products, const RowPointers* residual, float slope,
                                            float* const* output) const {
  const WinogradTransforms transforms = transforms_for(set_);
  const std::int64_t flat = std::int64_t{count} * rows;
  for (std::int64_t row = 0; row < flat; ++row) {
    const auto place = static_cast<std::size_t>(first + row / rows) * kTile * kTile;
    const auto r = static_cast<int>(row % rows);
    void* targets[kTile * kTile];
    const void* added[kTile * kTile];
    for (int i = 0; i < kTile * kTile; ++i) {
      const std::int32_t offset = work.outputs[place + i];
      targets[i] = offset < 0 ? nullptr : output[r] + offset;
      added[i] = work.residual.empty() || offset < 0 ? nullptr : residual->at(work.residual[place + i], r);
    }
    transforms.output({products + row * shape_.out_channels,
                       point_stride(flat, shape_.out_channels),
                       shape_.out_channels,
                       bias_.data(),
                       work.residual.empty() ? nullptr : added,
                       {},
                       slope,
                       targets,
                       {}});
  }
}

std::int64_t WinogradConvolution::run(const TileWork& work, int rows, const RowPointers& input,
                                      const RowPointers* residual, float slope, float* const* output,
                                      float* scratch) const {
  const int tiles = static_cast<int>(work.inputs.size()) / kTilePoints;
  const int chunk = chunk_tiles(rows);
  float* products = scratch + kTilePoints * point_stride(std::int64_t{chunk} * rows, shape_.channels);
  std::int64_t multiply_adds = 0;
  for (int first = 0; first < tiles; first += chunk) {
    const int count = std::min(chunk, tiles - first);
    const auto taps = work.inputs.subspan(std::size_t(first) * kTilePoints, std::size_t(count) * kTilePoints);
    transform_inputs(taps, rows, input, scratch);
    multiply_adds += multiply(std::int64_t{count} * rows, scratch, products);
    transform_outputs(work, first, count, rows, products, residual, slope, output);
  }
  return multiply_adds;
}

}  // namespace backdrop::kernels
