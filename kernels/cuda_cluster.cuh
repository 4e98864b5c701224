/// \file
/// What a cluster of blocks shares, on compute capability 9.0 or later: barriers in shared memory that count
/// bytes, and bulk copies to the shared memory of all of its blocks (PTX ISA, "mbarrier", "cp.async.bulk").
#pragma once

#include <cstdint>

namespace backdrop::kernels {

// A barrier is eight bytes of shared memory. Its phases follow each other: one ends when all arrivals that it
// counts have come, and all bytes that were announced.
__device__ __forceinline__ void init_barrier(unsigned int barrier, int arrivals) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(barrier), "r"(arrivals) : "memory");
}

// Barriers that this thread initialised are seen by whoever meets it afterwards.
__device__ __forceinline__ void show_barriers() {
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
}

// Every thread of every block of the cluster comes, and later waits for all others. The arrival says nothing
// of what was before it: what show_barriers shows is seen behind the wait all the same.
__device__ __forceinline__ void come_to_cluster() {
  asm volatile("barrier.cluster.arrive.relaxed.aligned;" ::: "memory");
}
__device__ __forceinline__ void wait_for_cluster() {
  asm volatile("barrier.cluster.wait.acquire.aligned;" ::: "memory");
}

__device__ __forceinline__ void arrive_and_expect(unsigned int barrier, unsigned int bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(barrier), "r"(bytes)
               : "memory");
}

// Arrivals and waits name no scope, as CUTLASS's (cutlass/arch/barrier.h): what they order here are bulk
// copies and products that are done. With that of the cluster ptxas puts fences of the whole GPU around
// each, and empties the L1 cache.

// At the same barrier of block `rank` of the cluster.
__device__ __forceinline__ void arrive_at(unsigned int barrier, int rank) {
  asm volatile(
      "{\n.reg .b32 there;\nmapa.shared::cluster.u32 there, %0, %1;\n"
      "mbarrier.arrive.shared::cluster.b64 _, [there];\n}" ::"r"(barrier),
      "r"(rank)
      : "memory");
}

// Until the phase of this parity (0 for the first, 1 for the second, 0, ...) is over. With a second way out
// of the loop (a trap after many tries) ptxas serialises the products around it.
__device__ __forceinline__ void wait_for_phase(unsigned int barrier, unsigned int parity) {
  unsigned int over = 0;
  while (over == 0) {
    asm volatile(
        "{\n.reg .pred over;\n"
        "mbarrier.try_wait.parity.shared::cta.b64 over, [%1], %2;\n"
        "selp.u32 %0, 1, 0, over;\n}"
        : "=r"(over)
        : "r"(barrier), "r"(parity)
        : "memory");
  }
}

// Copies `bytes`, a multiple of 16 between addresses that are, to the same place in each block whose bit
// `blocks` has, and tells its barrier there.
__device__ __forceinline__ void copy_to_blocks(unsigned int to, const void* from, unsigned int bytes,
                                               unsigned int barrier, std::uint16_t blocks) {
  asm volatile(
      "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster "
      "[%0], [%1], %2, [%3], %4;" ::"r"(to),
      "l"(from), "r"(bytes), "r"(barrier), "h"(blocks)
      : "memory");
}

}  // namespace backdrop::kernels
