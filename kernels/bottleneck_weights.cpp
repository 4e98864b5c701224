#include "kernels/bottleneck_weights.h"

#include <cstring>

namespace backdrop::kernels {

std::vector<std::byte> pack_fragments(const std::vector<std::byte>& weights, int columns, int taps,
                                      int inner_bytes) {
  std::vector<std::byte> packed(weights.size());
  std::byte* to = packed.data();
  for (int tap = 0; tap < taps; ++tap)
    for (int step = 0; step < inner_bytes / 32; ++step)
      for (int group = 0; group < columns / 16; ++group)
        for (int lane = 0; lane < 32; ++lane)
          for (int word = 0; word < 4; ++word, to += 4) {
            const std::size_t column = group * 16 + word / 2 * 8 + lane / 4;
            const std::size_t byte = step * 32 + word % 2 * 16 + lane % 4 * 4;
            std::memcpy(to, &weights[(column * taps + tap) * inner_bytes + byte], 4);
          }
  return packed;
}

}  // namespace backdrop::kernels
