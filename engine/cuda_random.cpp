#include "engine/cuda_random.h"

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#include "engine/cuda_memory.h"
#include "kernels/e4m3.h"

namespace backdrop {
namespace {

// Making more would take longer than timing. A prime: images of a batch, which a kernel may mix up, differ.
constexpr std::size_t kMostElements = (std::size_t{1} << 19) - 1;

template <class Element>
void put(Element element, std::byte* to) {
  std::memcpy(to, &element, sizeof(element));
}

}  // namespace

void fill_with_random_elements(Precision precision, std::byte* memory, std::size_t bytes) {
  std::minstd_rand generator(1);
  std::uniform_real_distribution<float> between(0.0f, 1.0f);
  const std::size_t size = element_bytes(precision);
  std::vector<std::byte> elements(std::min(bytes / size, kMostElements) * size);
  for (std::size_t i = 0; i < elements.size(); i += size) {
    std::byte* to = elements.data() + i;
    const float value = between(generator);
    switch (precision) {
      case Precision::fp16:
        put(__float2half_rn(value), to);
        break;
      case Precision::bf16:
        put(__float2bfloat16_rn(value), to);
        break;
      case Precision::fp8:
        put(kernels::e4m3::encode(value), to);
        break;
      case Precision::int8:
        put(static_cast<std::uint8_t>(255.0f * value), to);
        break;
      case Precision::int16:  // the CPU's alone
      case Precision::fp32:
      case Precision::tf32:
        put(value, to);
        break;
    }
  }
  for (std::size_t done = 0; done < bytes && !elements.empty(); done += elements.size())
    copy_to_device(memory + done, elements.data(), std::min(elements.size(), bytes - done), "random values");
}

}  // namespace backdrop
