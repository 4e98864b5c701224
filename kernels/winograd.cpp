// Tiles go through in chunks: input transforms of a chunk, its products point by point, its output
// transforms. A chunk is large enough that each point's weights serve many rows, and small enough that its
// points stay in cache.
#include "kernels/winograd.h"

#include <algorithm>
#include <array>

#include "kernels/winograd_parts.h"
#include "kernels/winograd_transform.h"

namespace backdrop::kernels {
namespace {

constexpr int kRowsWanted = 64;  // of one point's product, at least
static_assert(kRowsWanted >= kMaxRows);
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

int WinogradConvolution::chunk_rows() const {
  const std::size_t row_floats = std::size_t(kTilePoints) * (shape_.channels + kPanelColumns);
  return std::max(kRowsWanted, static_cast<int>(kChunkFloats / row_floats));
}

std::size_t WinogradConvolution::scratch_floats() const {
  const std::int64_t flat = chunk_rows();
  return static_cast<std::size_t>(kTilePoints *
                                  (point_stride(flat, shape_.channels) + point_stride(flat, kPanelColumns)));
}

void WinogradConvolution::transform_inputs(std::span<const Tap> taps, int rows, const RowPointers& input,
                                           float* transformed) const {
  const WinogradTransforms transforms = transforms_for(set_);
  const std::int64_t flat = std::ssize(taps) / kTilePoints * rows;
  const auto at = [&](const Tap& tap, int background) { return input.at(tap, background); };
  for_each_with_next(
      flat,
      [&](std::int64_t row) {
        return tile_inputs(taps, {row, rows}, at);
      },
      [&](std::int64_t row, const auto& pointers, const auto& ahead) {
        transforms.input({pointers.data(),
                          ahead.data(),
                          shape_.channels,
                          {},
                          transformed + row * shape_.channels,
                          point_stride(flat, shape_.channels)});
      });
}

void WinogradConvolution::transform_outputs(int panel, const TileWork& work, int first, int count, int rows,
                                            const float* products, const RowPointers* residual, float slope,
                                            float* const* output) const {
  const WinogradTransforms transforms = transforms_for(set_);
  const std::int64_t flat = std::int64_t{count} * rows;
  const int column = products_.first_column(panel);
  using Residuals = std::array<const void*, kTile * kTile>;
  const auto at = [&](const Tap& tap, int background) { return residual->at(tap, background) + column; };
  for_each_with_next(
      flat,
      [&](std::int64_t row) {
        return residual != nullptr ? tile_residuals(work, first, {row, rows}, at) : Residuals();
      },
      [&](std::int64_t row, const Residuals& added, const Residuals& ahead) {
        const ChunkRow place{row, rows};
        const std::int32_t* offsets = &work.outputs[(first + place.tile()) * kTile * kTile];
        void* targets[kTile * kTile];
        for (int i = 0; i < kTile * kTile; ++i)
          targets[i] = offsets[i] < 0 ? nullptr : output[place.background()] + offsets[i] + column;
        transforms.output({products + row * kPanelColumns,
                           point_stride(flat, kPanelColumns),
                           products_.columns(panel),
                           bias_.data() + column,
                           residual != nullptr ? added.data() : nullptr,
                           ahead.data(),
                           {},
                           slope,
                           targets,
                           {}});
      });
}

std::int64_t WinogradConvolution::run(const TileWork& work, int rows, const RowPointers& input,
                                      const RowPointers* residual, float slope, float* const* output,
                                      float* scratch) const {
  const int tiles = static_cast<int>(work.inputs.size()) / kTilePoints;
  const int chunk = chunk_rows() / rows;
  float* products = scratch + kTilePoints * point_stride(std::int64_t{chunk} * rows, shape_.channels);
  std::int64_t multiply_adds = 0;
  for (int first = 0; first < tiles; first += chunk) {
    const int count = std::min(chunk, tiles - first);
    const auto taps = work.inputs.subspan(std::size_t(first) * kTilePoints, std::size_t(count) * kTilePoints);
    transform_inputs(taps, rows, input, scratch);
    const ProductLists lists(std::int64_t{count} * rows, products_.whole_rows(), shape_.channels,
                             kPanelColumns);
    for (int panel = 0; panel < products_.panels(); ++panel) {
      multiply_adds +=
          multiply_panel<float*>(products_, panel, lists, scratch, shape_.channels, products, kPanelColumns);
      transform_outputs(panel, work, first, count, rows, products, residual, slope, output);
    }
  }
  return multiply_adds;
}

}  // namespace backdrop::kernels
