#include "kernels/peak_loop.h"
#include "kernels/vector_avx512.h"

namespace backdrop::kernels {
namespace {

#include "kernels/peak_loop.inl"

}  // namespace

std::int64_t peak_loop_avx512(std::int64_t rounds, float* sink) {
  return peak_loop(rounds, sink);
}

}  // namespace backdrop::kernels
