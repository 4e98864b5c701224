#include "engine/cuda_agreement.h"

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "kernels/e4m3.h"

namespace backdrop {
namespace {

// Of one layer, as a share of the largest value: TensorFloat-32 must not pass for fp32.
float tolerance_of(Precision precision) {
  switch (precision) {
    case Precision::fp32:
      return 2e-5f;
    case Precision::tf32:
    case Precision::fp16:
      return 2e-3f;
    case Precision::bf16:
      return 1e-2f;
    case Precision::fp8:
      return 0.13f;  // a step of e4m3
    case Precision::int8:
    case Precision::int16:  // the CPU's alone
      break;
  }
  return 0.0f;
}

template <class Element>
Element get(const std::byte* from) {
  Element element;
  std::memcpy(&element, from, sizeof(element));
  return element;
}

float as_float(Precision precision, const std::byte* element) {
  switch (precision) {
    case Precision::fp32:
    case Precision::tf32:
      return get<float>(element);
    case Precision::fp16:
      return __half2float(get<__half>(element));
    case Precision::bf16:
      return __bfloat162float(get<__nv_bfloat16>(element));
    case Precision::fp8:
      return kernels::e4m3::decode(get<std::uint8_t>(element));
    case Precision::int8:
    case Precision::int16:
      break;
  }
  return get<std::uint8_t>(element);
}

}  // namespace

bool agree(Precision precision, const std::vector<std::byte>& a, const std::vector<std::byte>& b,
           int layers) {
  float largest = 0;
  float difference = 0;
  for (std::size_t i = 0; i < a.size(); i += element_bytes(precision)) {
    const float left = as_float(precision, a.data() + i);
    const float right = as_float(precision, b.data() + i);
    if (!std::isfinite(left) || !std::isfinite(right)) return false;
    largest = std::max(largest, std::abs(left));
    difference = std::max(difference, std::abs(left - right));
  }
  // Errors of layers that follow one another add up like independent ones.
  return largest > 0 &&
         difference <= tolerance_of(precision) * std::sqrt(static_cast<float>(layers)) * largest;
}

}  // namespace backdrop
