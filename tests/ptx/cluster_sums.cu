// As kernels of clusters are written: one warp of each block copies its share of a step to all blocks, eight
// add up. `full` says that a stage has come, `empty` that every block's warps are done with it.
#include "tests/ptx/cluster_sums.h"

namespace backdrop::ptx {
namespace {

constexpr int kReaders = kClusterWords / 32;  // warps, and one that copies

#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
constexpr int kStages = 2;

__device__ __forceinline__ unsigned int shared_address(const void* memory) {
  return static_cast<unsigned int>(__cvta_generic_to_shared(memory));
}

__device__ __forceinline__ void wait(unsigned int mbarrier, unsigned int parity) {
  asm volatile(
      "{\n.reg .pred done;\nwait_%=:\nmbarrier.try_wait.parity.shared::cta.b64 done, [%0], %1;\n"
      "@!done bra wait_%=;\n}" ::"r"(mbarrier),
      "r"(parity)
      : "memory");
}

__device__ __forceinline__ void meet_cluster() {
  asm volatile("barrier.cluster.arrive.release.aligned;\nbarrier.cluster.wait.acquire.aligned;" ::: "memory");
}

__device__ void copy_steps(const std::uint32_t* values, int steps, unsigned int stages, unsigned int full,
                           unsigned int empty) {
  unsigned int rank, blocks;
  asm("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
  asm("mov.u32 %0, %%cluster_nctarank;" : "=r"(blocks));
  const unsigned int share = kClusterWords / blocks;
#pragma unroll 1
  for (int step = 0; step < steps; ++step) {
    const unsigned int stage = step % kStages, mbarrier = full + 8 * stage;
    if (step >= kStages) wait(empty + 8 * stage, (step / kStages + 1) % 2);
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(mbarrier),
                 "r"(4 * kClusterWords)
                 : "memory");
    asm volatile(
        "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster [%0], [%1], "
        "%2, [%3], "
        "%4;" ::"r"(stages + 4 * (stage * kClusterWords + rank * share)),
        "l"(values + step * kClusterWords + rank * share), "r"(4 * share), "r"(mbarrier),
        "h"(static_cast<std::uint16_t>((1 << blocks) - 1))
        : "memory");
  }
}

// Each lane tells one block.
__device__ __forceinline__ void tell_cluster(unsigned int mbarrier) {
  unsigned int blocks, remote;
  asm("mov.u32 %0, %%cluster_nctarank;" : "=r"(blocks));
  if (threadIdx.x % 32 >= blocks) return;
  asm("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(remote) : "r"(mbarrier), "r"(threadIdx.x % 32));
  asm volatile("mbarrier.arrive.release.cluster.shared::cluster.b64 _, [%0];" ::"r"(remote) : "memory");
}
#endif

__global__ void __launch_bounds__((kReaders + 1) * 32)
    sum_kernel(const std::uint32_t* values, int steps, std::uint32_t* sums) {
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
  __shared__ __align__(16) std::uint32_t stages[kStages][kClusterWords];
  __shared__ __align__(8) std::uint64_t full[kStages], empty[kStages];
  unsigned int blocks;
  asm("mov.u32 %0, %%cluster_nctarank;" : "=r"(blocks));
  if (threadIdx.x == 0) {
    for (int stage = 0; stage < kStages; ++stage) {
      asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(shared_address(full + stage)), "r"(1)
                   : "memory");
      asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(shared_address(empty + stage)),
                   "r"(blocks * kReaders)
                   : "memory");
    }
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
  }
  meet_cluster();
  if (threadIdx.x == kReaders * 32)
    copy_steps(values, steps, shared_address(stages), shared_address(full), shared_address(empty));
  if (threadIdx.x < kReaders * 32) {
    std::uint32_t sum = 0;
#pragma unroll 1
    for (int step = 0; step < steps; ++step) {
      wait(shared_address(full + step % kStages), step / kStages % 2);
      sum += stages[step % kStages][threadIdx.x];
      __syncwarp();
      tell_cluster(shared_address(empty + step % kStages));
    }
    sums[blockIdx.x * kClusterWords + threadIdx.x] = sum;
  }
  meet_cluster();
#endif
}

}  // namespace

cudaError_t sum_in_clusters(const std::uint32_t* values, int steps, std::uint32_t* sums, unsigned int blocks,
                            unsigned int cluster, cudaStream_t stream) {
  cudaLaunchAttribute attribute = {};
  attribute.id = cudaLaunchAttributeClusterDimension;
  attribute.val.clusterDim.x = cluster;
  attribute.val.clusterDim.y = attribute.val.clusterDim.z = 1;
  cudaLaunchConfig_t config = {};
  config.gridDim = blocks;
  config.blockDim = (kReaders + 1) * 32;
  config.stream = stream;
  config.attrs = &attribute;
  config.numAttrs = 1;
  return cudaLaunchKernelEx(&config, sum_kernel, values, steps, sums);
}

}  // namespace backdrop::ptx
