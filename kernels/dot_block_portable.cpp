// One product at a time, for processors without the instructions: slow, to test with. And the choice between
// the blocks.
#include <cmath>
#include <cstring>

#include "kernels/dot_block.h"
#include "kernels/dot_instructions.h"
#include "kernels/shapes.h"

namespace backdrop::kernels {
namespace {

constexpr int kColumns = 32;

template <class StoredInput, class StoredWeight>
struct Integers {
  using Element = StoredInput;
  using Weight = StoredWeight;
  using Sum = std::int32_t;

  static Sum product(Element value, Weight weight) { return Sum{value} * weight; }
  static float real(Sum sum, const DotArguments& a, int k) {
    return std::fma(static_cast<float>(sum), a.scale[k], a.bias[k]);
  }
};

struct Bfloat16 {
  using Element = Bf16;
  using Weight = Bf16;
  using Sum = float;

  static Sum product(Element value, Weight weight) { return to_float(value) * to_float(weight); }
  static float real(Sum sum, const DotArguments& a, int k) { return sum + a.bias[k]; }
};

template <class Kind>
typename Kind::Sum sum_taps(const DotArguments& a, const DotPosition& position, int row, int k) {
  constexpr int kInGroup = kGroupBytes / sizeof(typename Kind::Element);
  typename Kind::Sum sum{};
  if (const void* start = start_sums_at(a, position, k)) sum = *static_cast<const typename Kind::Sum*>(start);
  for (const Tap& tap : position.taps) {
    const auto* input = a.input->at<typename Kind::Element>(tap, row) + a.first_channel;
    for (int g = 0; g < a.groups; ++g) {
      typename Kind::Weight weights[kInGroup];
      const std::ptrdiff_t place = (std::ptrdiff_t{tap.weight} * a.groups + g) * a.width + k;
      std::memcpy(weights, a.panel + place * kGroupBytes, kGroupBytes);
      for (int i = 0; i < kInGroup; ++i) sum += Kind::product(input[g * kInGroup + i], weights[i]);
    }
    if (a.corrections != nullptr)
      sum += static_cast<typename Kind::Sum>(a.corrections[std::ptrdiff_t{tap.weight} * a.width + k]);
  }
  return sum;
}

float add_residual(const DotArguments& a, const Tap& tap, int row, int k, float value) {
  if (a.written == Precision::bf16) return value + to_float(a.residual->at<Bf16>(tap, row)[k]);
  if (a.written == Precision::int16)
    return std::fma(static_cast<float>(a.residual->at<std::int16_t>(tap, row)[k]), a.residual_scale.scale,
                    value);
  const auto stored = static_cast<float>(a.residual->at<std::uint8_t>(tap, row)[k]);
  return std::fma(stored - a.residual_scale.zero, a.residual_scale.scale, value);
}

void store(const DotArguments& a, void* row, std::ptrdiff_t place, float value) {
  if (a.kind == DotOutput::real)
    static_cast<float*>(row)[place] = value;
  else if (a.written == Precision::bf16)
    static_cast<Bf16*>(row)[place] = to_bf16(value);
  else if (a.written == Precision::int16)
    static_cast<std::int16_t*>(row)[place] = to_int16(value, a.output_scale);
  else
    static_cast<std::uint8_t*>(row)[place] = to_uint8(value, a.output_scale);
}

template <class Kind>
void run_block(const DotArguments& a, const DotPosition& position, int rows) {
  for (int row = a.first_row; row < a.first_row + rows; ++row) {
    for (int k = 0; k < a.columns; ++k) {
      const typename Kind::Sum sum = sum_taps<Kind>(a, position, row, k);
      const std::ptrdiff_t place = std::ptrdiff_t{position.output_offset} + a.first_column + k;
      if (a.kind == DotOutput::sums) {
        static_cast<typename Kind::Sum*>(a.output[row])[place] = sum;
        continue;
      }
      float value = Kind::real(sum, a, k);
      if (position.residual_tap != nullptr)
        value = add_residual(a, *position.residual_tap, row, a.first_column + k, value);
      store(a, a.output[row], place, activate(value, a.slope));
    }
  }
}

template <class Kind>
void run(const DotArguments& a, std::span<const DotPosition> positions, int rows) {
  for_each_block(a, positions, rows, kDotRows, run_block<Kind>);
}

}  // namespace

DotBlock dot_block_portable(Precision precision) {
  switch (precision) {
    case Precision::int8:
      return {run<Integers<std::uint8_t, std::int8_t>>, kDotRows, kColumns, kColumns};
    case Precision::int16:
      return {run<Integers<std::int16_t, std::int16_t>>, kDotRows, kColumns, kColumns};
    default:
      return {run<Bfloat16>, kDotRows, kColumns, kColumns};
  }
}

// Tiles are of whole lines of channels.
bool has_tile_block(Precision precision, int channels) {
  return channels * element_bytes(precision) % kLineBytes == 0 &&
         dot_instructions(precision) == DotInstructions::amx;
}

DotBlock dot_block(Precision precision, int channels, bool portable) {
#if defined(__x86_64__)
  switch (portable ? DotInstructions::none : dot_instructions(precision)) {
    case DotInstructions::amx:
      if (precision == Precision::int8)
        return has_tile_block(precision, channels) ? dot_block_int8_amx() : dot_block_int8_vnni();
      return has_tile_block(precision, channels) ? dot_block_bf16_amx() : dot_block_bf16_avx512();
    case DotInstructions::avx2:
      return dot_block_int16_avx2();
    case DotInstructions::avx512_vnni:
      return precision == Precision::int8 ? dot_block_int8_vnni() : dot_block_int16_vnni();
    case DotInstructions::avx512_bf16:
      return dot_block_bf16_avx512();
    case DotInstructions::none:
      break;
  }
#endif
  static_cast<void>(channels);
  static_cast<void>(portable);
  return dot_block_portable(precision);
}

}  // namespace backdrop::kernels
