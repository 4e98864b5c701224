/// \file
/// Inputs that are stored as bfloat16 and multiplied as bytes. A 1x1 convolution reads each of its positions
/// once, so storing them in 8 bits on the way in costs less than keeping them in both forms.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/aligned.h"
#include "kernels/dot_block.h"
#include "kernels/reduced_value.h"
#include "kernels/shapes.h"

namespace backdrop::kernels {

/// `to[c]` is to_uint8 of `from[c]`.
using StoreBytes = void (*)(const Bf16* from, int count, const ValueScale& scale, std::uint8_t* to);
void store_bytes_portable(const Bf16* from, int count, const ValueScale& scale, std::uint8_t* to);
void store_bytes_avx512(const Bf16* from, int count, const ValueScale& scale, std::uint8_t* to);

/// The fastest that this processor has; `portable`: plain loops even where there are instructions.
StoreBytes store_bytes(bool portable);

/// Stores the inputs of some positions at a time, for one run of a 1x1 convolution.
class ByteInputs {
 public:
  ByteInputs(StoreBytes store_bytes, const ConvolutionShape& shape, const ValueScale& scale, int rows,
             const RowPointers& input);

  /// How many positions are stored together.
  int most() const { return static_cast<int>(taps_.size()); }
  /// Replaces taps, of which a position has one or none; until the next call.
  void store(std::span<DotPosition> positions);
  const RowPointers& values() const { return values_; }

 private:
  StoreBytes store_bytes_;
  int channels_;
  ValueScale scale_;
  int rows_;
  const RowPointers& input_;
  std::vector<Tap> taps_;
  AlignedBuffer bytes_;  // [most()][rows][channels]
  RowPointers values_;
};

}  // namespace backdrop::kernels
