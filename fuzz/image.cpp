// Photos: JPEG, PNG and BMP through the one entry that tells them apart.
#include "loaders/image.h"

#include "fuzz/hostile.h"

namespace {

// Larger pictures only make the search for a fault slower: the decoders' paths are the same.
constexpr int kLargest = 256;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace backdrop;
  fuzz::read_hostile([&] {
    const Image image = decode_image(fuzz::as_bytes(data, size), "photo", kLargest);
    fuzz::require(image.pixels.size() == std::size_t(image.height) * std::size_t(image.width) * 3,
                  "a photo has three values for every pixel");
  });
  return 0;
}
