// Products of 16-bit integers, two a lane and instruction: 6 rows x 2 vectors of 8 sums, with 2 weights, a
// broadcast and a product in the 16 registers. A panel is strips of 16 columns. Every loop over sums is
// unrolled, as in position_block.inl.
#include <immintrin.h>

#include <algorithm>

#include "kernels/dot_block.h"
#include "kernels/stored_lanes_avx2.h"

namespace backdrop::kernels {
namespace {

constexpr int kRows = 6;
constexpr int kVectors = 2;
constexpr int kStrip = kVectors * V::kLanes;
constexpr int kUnrolled = 4;  // groups a turn of the inner loop

template <Activation kActivation>
[[gnu::always_inline]] inline V activate(V value, V slope) {
  // The second operand where either is not a number: such values stay.
  if constexpr (kActivation == Activation::rectify) return {_mm256_max_ps(V::zero().value, value.value)};
  if constexpr (kActivation == Activation::leak) return V::activate(value, slope);
  return value;
}

// Whole strips of what is stored: nearly all.
template <bool kAdds, Activation kActivation>
void store_strip(const DotArguments& a, const DotPosition& position, int skip, int rows,
                 const __m256i (&sums)[kRows][kVectors]) {
  // Read once: for all the compiler knows, a store might change what they come from.
  const ShortLanes::Scale residual_scale(a.residual_scale);
  const ShortLanes::Scale output_scale(a.output_scale);
  const V slope = V::constant(a.slope);
  V scale[kVectors];
  V bias[kVectors];
  for (int v = 0; v < kVectors; ++v) {
    scale[v] = V::load(a.scale + skip + v * V::kLanes);
    bias[v] = V::load(a.bias + skip + v * V::kLanes);
  }
  const std::ptrdiff_t column = std::ptrdiff_t{a.first_column} + skip;
  const std::ptrdiff_t to_place = column + position.output_offset;
  void* const* const outputs = a.output + a.first_row;
  const void* const* residuals = nullptr;
  std::ptrdiff_t from_place = 0;
  if constexpr (kAdds) {
    residuals = a.residual->rows[static_cast<int>(position.residual_tap->source)] + a.first_row;
    from_place = column + position.residual_tap->offset;
  }
  for (int r = 0; r < rows; ++r) {
    V values[kVectors];
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) {
      values[v] = V::multiply_add({_mm256_cvtepi32_ps(sums[r][v])}, scale[v], bias[v]);
      if constexpr (kAdds)
        values[v] = ShortLanes::add(
            values[v], static_cast<const std::int16_t*>(residuals[r]) + from_place + v * V::kLanes, V::kLanes,
            residual_scale);
      values[v] = activate<kActivation>(values[v], slope);
    }
    ShortLanes::store_pair(static_cast<std::int16_t*>(outputs[r]) + to_place, values, output_scale);
  }
}

template <bool kAdds>
void store_strip(const DotArguments& a, const DotPosition& position, int skip, int rows,
                 const __m256i (&sums)[kRows][kVectors]) {
  if (a.slope == 1.0f) return store_strip<kAdds, Activation::none>(a, position, skip, rows, sums);
  if (a.slope == 0.0f) return store_strip<kAdds, Activation::rectify>(a, position, skip, rows, sums);
  store_strip<kAdds, Activation::leak>(a, position, skip, rows, sums);
}

void store_sums(const DotArguments& a, const DotPosition& position, int skip, int rows,
                const __m256i (&sums)[kRows][kVectors]) {
  const std::ptrdiff_t place = std::ptrdiff_t{position.output_offset} + a.first_column + skip;
  for (int r = 0; r < rows; ++r) {
    auto* to = static_cast<std::int32_t*>(a.output[a.first_row + r]) + place;
    for (int v = 0; v < kVectors; ++v)
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + v * V::kLanes), sums[r][v]);
  }
}

// `valid` sums of a row, from lane `lane` of the panel on.
inline void finish_lanes(const DotArguments& a, const DotPosition& position, int row, int lane, int valid,
                         const std::int16_t* residual, __m256i sums) {
  const std::ptrdiff_t place = std::ptrdiff_t{position.output_offset} + a.first_column + lane;
  if (a.kind == DotOutput::sums)
    return V{_mm256_castsi256_ps(sums)}.store_first(static_cast<float*>(a.output[row]) + place, valid);
  V value = {_mm256_cvtepi32_ps(sums)};
  value = V::multiply_add(value, V::load(a.scale + lane), V::load(a.bias + lane));
  if (residual != nullptr) value = ShortLanes::add(value, residual + lane, valid, a.residual_scale);
  value = V::activate(value, V::constant(a.slope));
  if (a.kind == DotOutput::real) return value.store_first(static_cast<float*>(a.output[row]) + place, valid);
  ShortLanes::store(static_cast<std::int16_t*>(a.output[row]) + place, valid, value, a.output_scale);
}

void finish_any(const DotArguments& a, const DotPosition& position, int skip, int rows,
                const __m256i (&sums)[kRows][kVectors]) {
  for (int r = 0; r < rows; ++r) {
    const int row = a.first_row + r;
    const std::int16_t* residual =
        position.residual_tap != nullptr
            ? a.residual->at<std::int16_t>(*position.residual_tap, row) + a.first_column
            : nullptr;
    for (int v = 0; v < kVectors; ++v) {
      const int lane = skip + v * V::kLanes;
      const int valid = std::min(a.columns - lane, V::kLanes);
      if (valid > 0) finish_lanes(a, position, row, lane, valid, residual, sums[r][v]);
    }
  }
}

void finish_strip(const DotArguments& a, const DotPosition& position, int skip, int rows,
                  const __m256i (&sums)[kRows][kVectors]) {
  if (a.kind == DotOutput::real || a.columns - skip < kStrip)
    return finish_any(a, position, skip, rows, sums);
  if (a.kind == DotOutput::sums) return store_sums(a, position, skip, rows, sums);
  if (position.residual_tap == nullptr) return store_strip<false>(a, position, skip, rows, sums);
  store_strip<true>(a, position, skip, rows, sums);
}

// By hand: of several in a row the compiler adds the products up first, and runs out of registers.
[[gnu::always_inline]] inline void accumulate(__m256i& sum, __m256i value, __m256i weights) {
  asm("vpaddd %1, %0, %0" : "+x"(sum) : "x"(_mm256_madd_epi16(value, weights)));
}

// The next `Groups` of each row, and of the weights.
template <int Groups, int Rows>
[[gnu::always_inline]] inline void add_groups(const std::int16_t* (&row)[Rows], const std::byte*& weights,
                                              __m256i (&sums)[Rows][kVectors]) {
#pragma GCC unroll 8
  for (int g = 0; g < Groups; ++g) {
    __m256i column[kVectors];
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v)
      column[v] = _mm256_load_si256(reinterpret_cast<const __m256i*>(weights) + g * kVectors + v);
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r) {
      std::int32_t pair;
      __builtin_memcpy(&pair, row[r] + 2 * g, sizeof pair);
      const __m256i value = _mm256_set1_epi32(pair);
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) accumulate(sums[r][v], value, column[v]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r) row[r] += 2 * Groups;
  weights += std::ptrdiff_t{Groups} * kStrip * kGroupBytes;
}

// The strip from column `skip` of the panel on.
template <int Rows>
inline void block(const DotArguments& a, const DotPosition& position, int skip) {
  const auto* start = static_cast<const __m256i*>(start_sums_at(a, position, skip));
  __m256i sums[Rows][kVectors];
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v)
      sums[r][v] = start != nullptr ? _mm256_loadu_si256(start + v) : _mm256_setzero_si256();

  const std::ptrdiff_t strips = a.width / kStrip;
  const std::ptrdiff_t ahead_step = a.ahead_step * kUnrolled / (strips * a.groups);
  const std::byte* ahead = a.ahead + skip / kStrip * (a.ahead_step / strips);
  const std::ptrdiff_t tap_bytes = std::ptrdiff_t{a.width} * a.groups * kGroupBytes;
  for (const Tap& tap : position.taps) {
    const std::int16_t* row[Rows];
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r) row[r] = a.input->at<std::int16_t>(tap, a.first_row + r) + a.first_channel;
    const std::byte* weights =
        a.panel + tap.weight * tap_bytes + std::ptrdiff_t{skip} * a.groups * kGroupBytes;
    int left = a.groups;
    for (; left >= kUnrolled; left -= kUnrolled, ahead += ahead_step) {
      __builtin_prefetch(ahead, 0, 2);
      add_groups<kUnrolled>(row, weights, sums);
    }
    for (; left > 0; --left) add_groups<1>(row, weights, sums);
  }
  // A copy: the sums above are in registers.
  __m256i results[kRows][kVectors];
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) results[r][v] = sums[r][v];
  finish_strip(a, position, skip, Rows, results);
}

// `rows` is 1..Rows.
template <int Rows>
inline void dispatch_rows(const DotArguments& a, const DotPosition& position, int rows, int skip) {
  if constexpr (Rows > 1)
    if (rows < Rows) return dispatch_rows<Rows - 1>(a, position, rows, skip);
  block<Rows>(a, position, skip);
}

void run(const DotArguments& a, std::span<const DotPosition> positions, int rows) {
  for_each_block(a, positions, rows, kRows,
                 [](const DotArguments& b, const DotPosition& position, int count) {
                   for (int skip = 0; skip < b.width; skip += kStrip)
                     dispatch_rows<kRows>(b, position, count, skip);
                 });
}

}  // namespace

DotBlock dot_block_int16_avx2() {
  return {run, kRows, kDotPanelColumns, kStrip};
}

}  // namespace backdrop::kernels
