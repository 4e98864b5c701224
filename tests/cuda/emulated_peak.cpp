// The emulated runtime's peak loops, which take time and compute nothing.
#include <atomic>

#include "kernels/peak_cuda.h"
#include "tests/cuda/emulated_cuda.h"
#include "tests/cuda/emulated_runtime.h"

namespace backdrop::test {
namespace {

std::atomic<int> warpgroup_loops = 0;

}  // namespace

int take_warpgroup_loops() {
  return warpgroup_loops.exchange(0);
}

}  // namespace backdrop::test

namespace backdrop::kernels {

cudaError_t peak_loop_cuda(const PeakLoop& loop, float*, cudaStream_t) {
  test::warpgroup_loops += loop.warpgroups;
  test::pass_quarter_milliseconds(1);
  return cudaSuccess;
}

std::int64_t peak_multiply_adds(const PeakLoop&) {
  return 1;
}

std::int64_t peak_sums(int blocks) {
  return blocks;
}

cudaError_t peak_memory_cuda(float*, const float*, const float*, std::int64_t, cudaStream_t) {
  test::pass_quarter_milliseconds(1);
  return cudaSuccess;
}

}  // namespace backdrop::kernels
