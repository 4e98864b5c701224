#include "kernels/byte_inputs.h"

#include <algorithm>

#include "kernels/dot_instructions.h"

namespace backdrop::kernels {
namespace {

constexpr int kStoredBytes = 64 << 10;  // that stay in L2 beside weights

}  // namespace

void store_bytes_portable(const Bf16* from, int count, const ValueScale& scale, std::uint8_t* to) {
  for (int c = 0; c < count; ++c) to[c] = to_uint8(to_float(from[c]), scale);
}

StoreBytes store_bytes(bool portable) {
#if defined(__x86_64__)
  if (!portable && has_dot_instructions(Precision::bf16)) return store_bytes_avx512;
#else
  static_cast<void>(portable);
#endif
  return store_bytes_portable;
}

ByteInputs::ByteInputs(StoreBytes store_bytes, const ConvolutionShape& shape, const ValueScale& scale,
                       int rows, const RowPointers& input)
    : store_bytes_(store_bytes),
      channels_(shape.channels),
      scale_(scale),
      rows_(rows),
      input_(input),
      taps_(static_cast<std::size_t>(std::max(2, kStoredBytes / (rows * channels_)))),
      bytes_(taps_.size() * static_cast<std::size_t>(rows * channels_)) {
  auto* const bytes = reinterpret_cast<std::uint8_t*>(bytes_.data());
  for (int r = 0; r < rows; ++r)
    values_.rows[static_cast<int>(Source::mixed)][r] = bytes + std::ptrdiff_t{r} * channels_;
  for (int p = 0; p < most(); ++p) taps_[p].offset = p * rows * channels_;
}

void ByteInputs::store(std::span<DotPosition> positions) {
  auto* to = reinterpret_cast<std::uint8_t*>(bytes_.data());
  for (std::size_t p = 0; p < positions.size(); ++p, to += std::ptrdiff_t{rows_} * channels_) {
    std::span<const Tap>& taps = positions[p].taps;
    if (taps.empty()) continue;
    for (int r = 0; r < rows_; ++r)
      store_bytes_(input_.at<Bf16>(taps[0], r), channels_, scale_, to + std::ptrdiff_t{r} * channels_);
    taps = {&taps_[p], 1};
  }
}

}  // namespace backdrop::kernels
