#include "kernels/decide_cuda.h"

namespace backdrop::kernels {
namespace {

constexpr int kThreads = 128;
constexpr int kWarp = 32;
constexpr unsigned int kAllLanes = 0xffffffffu;

__device__ __forceinline__ PartialDecision from_lane_below(const PartialDecision& mine, int distance) {
  PartialDecision other;
  other.best = __shfl_down_sync(kAllLanes, mine.best, distance);
  other.second = __shfl_down_sync(kAllLanes, mine.second, distance);
  other.right = __shfl_down_sync(kAllLanes, mine.right, distance);
  other.wrong = __shfl_down_sync(kAllLanes, mine.wrong, distance);
  other.index = __shfl_down_sync(kAllLanes, mine.index, distance);
  other.not_a_number = __shfl_down_sync(kAllLanes, mine.not_a_number, distance);
  return other;
}

// Warp w: composite w; lane l: classes l, l + 32, ...
__global__ void __launch_bounds__(kThreads) decide_kernel(const __grid_constant__ DecideArguments a) {
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const int n = static_cast<int>(blockIdx.x) * (kThreads / kWarp) + static_cast<int>(threadIdx.x) / kWarp;
  if (n >= a.composites) return;  // all lanes of a warp together
  const float* logits = a.logits + static_cast<std::int64_t>(n) * a.stride;
  const int label = a.labels[n];
  PartialDecision partial;
  for (int c = lane; c < a.classes; c += kWarp)
    partial = merge(partial, one_logit(logits[c], c, a.in9[c] == label));
  for (int distance = kWarp / 2; distance > 0; distance /= 2)
    partial = merge(partial, from_lane_below(partial, distance));
  if (lane == 0) a.decisions[n] = finish_decision(partial);
}

}  // namespace

cudaError_t decide_cuda(const DecideArguments& arguments, cudaStream_t stream) {
  if (arguments.composites == 0) return cudaSuccess;
  constexpr int kPerBlock = kThreads / kWarp;
  const int blocks = (arguments.composites + kPerBlock - 1) / kPerBlock;
  decide_kernel<<<blocks, kThreads, 0, stream>>>(arguments);
  return cudaGetLastError();
}

}  // namespace backdrop::kernels
