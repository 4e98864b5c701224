// Masks: numpy's header grammar, every element type, both orders.
#include <algorithm>

#include "fuzz/hostile.h"
#include "loaders/mask.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace backdrop;
  fuzz::read_hostile([&] {
    const Mask mask = decode_mask(fuzz::as_bytes(data, size), "mask.npy");
    fuzz::require(mask.values.size() == std::size_t(mask.height) * std::size_t(mask.width),
                  "a mask has a value for every pixel");
    fuzz::require(std::ranges::all_of(mask.values, [](std::uint8_t value) { return value <= 1; }),
                  "a mask holds 0 and 1");
  });
  return 0;
}
