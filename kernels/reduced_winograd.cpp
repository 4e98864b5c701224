// The steps are those of winograd.cpp.
#include "kernels/reduced_winograd.h"

#include <algorithm>
#include <array>

#include "core/rounding.h"
#include "kernels/winograd_parts.h"
#include "kernels/winograd_transform.h"

namespace backdrop::kernels {
namespace {

constexpr int kRowsWanted = 64;  // of one point's product, at least
static_assert(kRowsWanted >= kMaxRows);
constexpr std::size_t kChunkBytes = std::size_t{512} << 10;

// Two bytes an element in all forms but int8.
const void* locate(Precision stored, const RowPointers& rows, const Tap& tap, int row) {
  return stored == Precision::int8 ? static_cast<const void*>(rows.at<std::uint8_t>(tap, row))
                                   : rows.at<std::uint16_t>(tap, row);
}

// A point's range is all that values within theirs can make of it: it is never cut off.
std::vector<float> point_units(const ValueScale& input, bool nonnegative, int largest) {
  // Sums of what input_points() multiplies by, of either sign.
  constexpr float kPositive[kTileInputs] = {5, 2, 5, 3, 3, 5};
  constexpr float kNegative[kTileInputs] = {5, 8, 5, 3, 3, 5};
  const float unit = input.scale * static_cast<float>(kInt16Most) / static_cast<float>(largest);
  std::vector<float> units(kTilePoints);
  for (int y = 0; y < kTileInputs; ++y) {
    for (int x = 0; x < kTileInputs; ++x) {
      const float positive = kPositive[y] * kPositive[x] + kNegative[y] * kNegative[x];
      const float negative = kPositive[y] * kNegative[x] + kNegative[y] * kPositive[x];
      const float most = nonnegative ? std::max(positive, negative) : positive + negative;
      units[y * kTileInputs + x] = most * unit;
    }
  }
  return units;
}

// The products are of bfloat16 where 8 bits are read: sums of inputs need more.
Precision products_precision(Precision read) {
  return read == Precision::int16 ? Precision::int16 : Precision::bf16;
}

}  // namespace

ReducedWinograd::ReducedWinograd(Precision read, const ConvolutionShape& shape, const float* weights,
                                 const float* bias, const DotScales& scales, bool portable)
    : read_(read),
      written_(scales.written.value_or(read)),
      shape_(shape),
      scales_(scales),
      portable_(portable),
      products_(make_products(read, shape, weights, scales)),
      bias_(bias, bias + shape.out_channels) {
  if (!scales.input.empty()) input_scale_ = scales.input[0];
}

DotConvolution ReducedWinograd::make_products(Precision read, const ConvolutionShape& shape,
                                              const float* weights, const DotScales& scales) {
  const std::vector<float> filters = transform_filters(shape, weights);
  if (products_precision(read) == Precision::bf16) return {product_shape(shape), filters.data(), portable_};
  const int largest = balanced_largest_input(shape.channels);
  const std::vector<float> units = point_units(scales.input[0], scales.nonnegative, largest);
  for (const float unit : units) units_in_one_.push_back(1.0f / unit);
  Int16Weights stored = store_int16_by_tap(product_shape(shape), filters.data(), units, largest);
  DotConvolution products(product_shape(shape), stored, portable_);
  product_scale_ = std::move(stored.scale);
  return products;
}

WinogradTransforms ReducedWinograd::transforms() const {
#if defined(__x86_64__)
  switch (portable_ ? DotInstructions::none : dot_instructions(products_precision(read_))) {
    case DotInstructions::avx2:
      return int16_transforms_avx2();
    case DotInstructions::avx512_vnni:
      return int16_transforms_avx512();
    case DotInstructions::avx512_bf16:
    case DotInstructions::amx:
      return reduced_transforms_avx512(read_, written_);
    case DotInstructions::none:
      break;
  }
#endif
  if (read_ == Precision::int16) return int16_transforms_portable();
  return reduced_transforms_portable(read_, written_);
}

int ReducedWinograd::chunk_rows() const {
  const std::size_t row_bytes =
      kTilePoints * (shape_.channels * sizeof(std::uint16_t) + products_.panel_columns() * sizeof(float));
  return std::max(kRowsWanted, static_cast<int>(kChunkBytes / row_bytes));
}

/// Of the transformed inputs of `flat` rows, in whole cache lines.
std::size_t ReducedWinograd::transformed_bytes(std::int64_t flat) const {
  const auto elements = static_cast<std::size_t>(kTilePoints * point_stride(flat, shape_.channels));
  return round_up(elements * sizeof(Bf16), kLineBytes);
}

std::size_t ReducedWinograd::scratch_bytes() const {
  const std::int64_t flat = chunk_rows();
  return transformed_bytes(flat) +
         static_cast<std::size_t>(kTilePoints * point_stride(flat, products_.panel_columns())) *
             sizeof(float);
}

void ReducedWinograd::transform_inputs(std::span<const Tap> taps, int rows, const RowPointers& input,
                                       std::uint16_t* transformed) const {
  const auto transform = transforms().input;
  const std::int64_t flat = std::ssize(taps) / kTilePoints * rows;
  const auto at = [&](const Tap& tap, int background) { return locate(read_, input, tap, background); };
  for_each_with_next(
      flat,
      [&](std::int64_t row) {
        return tile_inputs(taps, {row, rows}, at);
      },
      [&](std::int64_t row, const auto& pointers, const auto& ahead) {
        transform({pointers.data(), ahead.data(), shape_.channels, input_scale_,
                   transformed + row * shape_.channels, point_stride(flat, shape_.channels),
                   units_in_one_.data()});
      });
}

void ReducedWinograd::transform_outputs(int panel, const TileWork& work, int first, int count, int rows,
                                        const float* products, const RowPointers* residual,
                                        void* const* output) const {
  const auto transform = transforms().output;
  const std::int64_t flat = std::int64_t{count} * rows;
  const std::size_t size = element_bytes(written_);
  const int column = products_.first_column(panel);
  using Residuals = std::array<const void*, kTile * kTile>;
  const auto at = [&](const Tap& tap, int background) {
    return static_cast<const std::byte*>(locate(written_, *residual, tap, background)) + column * size;
  };
  for_each_with_next(
      flat,
      [&](std::int64_t row) {
        return residual != nullptr ? tile_residuals(work, first, {row, rows}, at) : Residuals();
      },
      [&](std::int64_t row, const Residuals& added, const Residuals& ahead) {
        const ChunkRow place{row, rows};
        const std::int32_t* offsets = &work.outputs[(first + place.tile()) * kTile * kTile];
        auto* to = static_cast<std::byte*>(output[place.background()]);
        void* targets[kTile * kTile];
        for (int i = 0; i < kTile * kTile; ++i)
          targets[i] = offsets[i] < 0 ? nullptr : to + (offsets[i] + column) * size;
        transform({products + row * products_.panel_columns(), point_stride(flat, products_.panel_columns()),
                   products_.columns(panel), bias_.data() + column,
                   residual != nullptr ? added.data() : nullptr, ahead.data(), scales_.residual, shape_.slope,
                   targets, scales_.output, read_ == Precision::int16 ? &product_scale_[column] : nullptr,
                   shape_.out_channels});
      });
}

std::int64_t ReducedWinograd::run(const TileWork& work, int rows, const RowPointers& input,
                                  const RowPointers* residual, void* const* output,
                                  std::byte* scratch) const {
  const int tiles = static_cast<int>(work.inputs.size()) / kTilePoints;
  const int chunk = chunk_rows() / rows;
  auto* transformed = reinterpret_cast<std::uint16_t*>(scratch);
  auto* products = reinterpret_cast<float*>(scratch + transformed_bytes(std::int64_t{chunk} * rows));
  std::int64_t multiply_adds = 0;
  for (int first = 0; first < tiles; first += chunk) {
    const int count = std::min(chunk, tiles - first);
    const auto taps = work.inputs.subspan(std::size_t(first) * kTilePoints, std::size_t(count) * kTilePoints);
    transform_inputs(taps, rows, input, transformed);
    const int columns = products_.panel_columns();
    const ProductLists lists(std::int64_t{count} * rows, products_.whole_rows(), shape_.channels, columns);
    for (int panel = 0; panel < products_.panels(); ++panel) {
      multiply_adds +=
          multiply_panel<void*>(products_, panel, lists, transformed, shape_.channels, products, columns);
      transform_outputs(panel, work, first, count, rows, products, residual, output);
    }
  }
  return multiply_adds;
}

}  // namespace backdrop::kernels
