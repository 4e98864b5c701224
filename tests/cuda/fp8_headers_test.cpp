// Our e4m3 against CUDA's own conversions.
#include <cuda_fp16.h>
#include <cuda_fp8.h>
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "kernels/e4m3.h"

namespace backdrop {
namespace {

std::uint8_t encode_by_cuda(float value) {
  return __nv_cvt_float_to_fp8(value, __NV_SATFINITE, __NV_E4M3);
}

TEST(E4m3Headers, AllCodesDecodeAsCudas) {
  for (int code = 0; code < 256; ++code) {
    const float cudas =
        __half2float(__half(__nv_cvt_fp8_to_halfraw(static_cast<__nv_fp8_storage_t>(code), __NV_E4M3)));
    const float ours = kernels::e4m3::decode(static_cast<std::uint8_t>(code));
    if (std::isnan(cudas))
      EXPECT_TRUE(std::isnan(ours)) << code;
    else
      EXPECT_EQ(ours, cudas) << code;
  }
}

TEST(E4m3Headers, EveryKindOfFloatEncodesAsCudas) {
  std::mt19937 generator(83);
  for (int i = 0; i < 2000000; ++i) {
    const std::uint32_t bits = generator();
    float value;
    std::memcpy(&value, &bits, sizeof(value));
    if (std::isnan(value)) continue;
    ASSERT_EQ(kernels::e4m3::encode(value), encode_by_cuda(value)) << value;
    const float near = std::ldexp(value, -std::ilogb(value)) * std::ldexp(1.0f, i % 24 - 12);
    ASSERT_EQ(kernels::e4m3::encode(near), encode_by_cuda(near)) << near;
  }
  EXPECT_EQ(kernels::e4m3::encode(NAN), encode_by_cuda(NAN));
}

}  // namespace
}  // namespace backdrop
