#include <immintrin.h>

#include <algorithm>

#include "kernels/byte_inputs.h"
#include "kernels/stored_lanes_avx512.h"

namespace backdrop::kernels {

void store_bytes_avx512(const Bf16* from, int count, const ValueScale& scale, std::uint8_t* to) {
  constexpr int kLine = ByteLanes::kInLine * kWholeVector;
  const HalfLanes::Scale none(scale);
  const ByteLanes::Scale bytes(scale);
  int c = 0;
  for (; c + kLine <= count; c += kLine) {
    __m512 values[ByteLanes::kInLine];
    for (int v = 0; v < ByteLanes::kInLine; ++v)
      values[v] = HalfLanes::load(from + c + v * kWholeVector, kWholeVector, none);
    ByteLanes::store_line(to + c, values, bytes);
  }
  for (; c < count; c += kWholeVector) {
    const int valid = std::min(kWholeVector, count - c);
    ByteLanes::store(to + c, valid, HalfLanes::load(from + c, valid, none), bytes);
  }
}

}  // namespace backdrop::kernels
