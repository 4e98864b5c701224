#include "engine/cuda_agreement.h"

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <algorithm>
#include <bit>
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

float to_float(Precision precision, std::uint16_t stored) {
  switch (precision) {
    case Precision::fp16:
      return __half2float(std::bit_cast<__half>(stored));
    case Precision::bf16:
      return __bfloat162float(std::bit_cast<__nv_bfloat16>(stored));
    case Precision::fp8:
      return kernels::e4m3::decode(static_cast<std::uint8_t>(stored));
    default:
      return stored;
  }
}

// What is stored, as numbers. There are millions of values, and their conversions are functions on the host.
class Numbers {
 public:
  explicit Numbers(Precision precision) : bytes_(element_bytes(precision)) {
    if (bytes_ > sizeof(std::uint16_t)) return;
    for (int stored = 0; stored < 1 << (8 * bytes_); ++stored)
      table_.push_back(to_float(precision, static_cast<std::uint16_t>(stored)));
  }

  float at(const std::byte* element) const {
    if (bytes_ == 1) return table_[get<std::uint8_t>(element)];
    return bytes_ == 2 ? table_[get<std::uint16_t>(element)] : get<float>(element);
  }

 private:
  std::size_t bytes_;
  std::vector<float> table_;
};

}  // namespace

bool agree(Precision precision, const std::vector<std::byte>& a, const std::vector<std::byte>& b, int layers,
           int steps) {
  const Numbers numbers(precision);
  float largest = 0;
  float difference = 0;
  for (std::size_t i = 0; i < a.size(); i += element_bytes(precision)) {
    const float left = numbers.at(a.data() + i);
    const float right = numbers.at(b.data() + i);
    if (!std::isfinite(left) || !std::isfinite(right)) return false;
    largest = std::max(largest, std::abs(left));
    difference = std::max(difference, std::abs(left - right));
  }
  // Errors of layers that follow one another add up like independent ones.
  const float rounding = tolerance_of(precision) * std::sqrt(static_cast<float>(layers)) * largest;
  return largest > 0 && difference <= std::max(rounding, static_cast<float>(steps));
}

}  // namespace backdrop
