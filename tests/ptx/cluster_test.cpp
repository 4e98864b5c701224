// Clusters: blocks that copy and arrive into each other's shared memory.
#include <gtest/gtest.h>

#include <numeric>

#include "tests/ptx/cluster_sums.h"
#include "tests/ptx/runtime.h"
#include "tests/ptx/small_kernel.h"

namespace backdrop::ptx {
namespace {

constexpr SmallLaunch kTwoBlocks{.blocks = 2, .cluster = 2};
const std::string kMeet = "barrier.cluster.arrive.release.aligned; barrier.cluster.wait.acquire.aligned;";
// %p1: not the first thread; an mbarrier at %r10, the other block's at %r11, the rank in %r12.
const std::string kInit =
    "setp.ne.s32 %p1, %r1, 0; add.s32 %r10, %r2, 512; mov.u32 %r12, %cluster_ctarank; xor.b32 %r13, %r12, 1;"
    "mapa.shared::cluster.u32 %r11, %r10, %r13;"
    "@!%p1 mbarrier.init.shared::cta.b64 [%r10], 1; @!%p1 fence.mbarrier_init.release.cluster;";
const std::string kArrive = "@!%p1 mbarrier.arrive.release.cluster.shared::cluster.b64 _, [%r11];";
const std::string kWait =
    "$L_wait: mbarrier.try_wait.parity.acquire.cluster.shared::cta.b64 %p2, [%r10], 0; @!%p2 bra $L_wait;";

TEST(Clusters, BlocksKnowTheirPlaces) {
  const auto words = run_small(
      "mov.u32 %r5, %ctaid.x; mul.wide.u32 %rd5, %r5, 16; add.s64 %rd5, %rd5, %rd1; setp.ne.s32 %p1, %r1, 0;"
      "@%p1 bra $L_end; mov.u32 %r6, %cluster_ctarank; mov.u32 %r7, %cluster_nctaid.x;"
      "mov.u32 %r8, %clusterid.x; mov.u32 %r9, %nclusterid.x; st.global.v4.u32 [%rd5], {%r6, %r7, %r8, %r9}; "
      "$L_end:",
      {.blocks = 8, .cluster = 4});
  for (std::uint32_t block = 0; block < 8; ++block)
    EXPECT_THAT(std::vector(words.begin() + 4 * block, words.begin() + 4 * block + 4),
                testing::ElementsAre(block % 4, 4u, block / 4, 2u));
}

TEST(Clusters, WaitForEachOther) {
  for (std::uint32_t seed = 1; seed <= 8; ++seed)
    run_small(kInit + kMeet + kArrive + kWait + kMeet,
              {.threads = 64, .blocks = 2, .cluster = 2, .seed = seed});
  run_small(kInit + "barrier.cluster.arrive.relaxed.aligned; barrier.cluster.wait.aligned;" + kArrive +
                kWait + kMeet,
            kTwoBlocks);
  expect_fault(kInit + kMeet + kWait, "1 arrivals are missing", kTwoBlocks);
  expect_fault(kMeet + "barrier.cluster.wait;", "waits though it has not arrived", kTwoBlocks);
  expect_fault("barrier.cluster.arrive; barrier.cluster.arrive;", "arrives again", kTwoBlocks);
  expect_fault("mapa.shared::cluster.u32 %r11, %r2, 2;", "no block 2", kTwoBlocks);
  expect_fault(kInit + kMeet + "mbarrier.arrive.shared::cta.b64 _, [%r11];", "taken for one of the block",
               kTwoBlocks);
  // The other one's mbarrier may not have been made yet.
  expect_fault(kInit + kArrive + kWait, "mbarrier", kTwoBlocks);
}

TEST(Clusters, LeaveTogether) {
  // The second block leaves while the first one waits for itself some times, and arrives only then.
  const std::string one_leaves = kInit + kMeet +
                                 "setp.eq.s32 %p3, %r12, 1; @%p3 bra $L_end; mov.u32 %r5, 0;"
                                 "$L_more: mbarrier.test_wait.parity.shared::cta.b64 %p2, [%r10], 0;"
                                 "add.s32 %r5, %r5, 1; setp.lt.s32 %p4, %r5, 8; @%p4 bra $L_more;" +
                                 kArrive + "$L_end:";
  expect_fault(one_leaves, "a block that has left", kTwoBlocks);
}

class ClusterSums : public testing::Test {
 protected:
  static constexpr int kSteps = 5;
  static constexpr unsigned int kBlocks = 4;

  ClusterSums() { std::iota(values_.begin(), values_.end(), 3u); }
  void TearDown() override { use_device({}); }

  // What each block should compute.
  std::vector<std::uint32_t> expected() const {
    std::vector<std::uint32_t> sums(kBlocks * kClusterWords);
    for (std::size_t i = 0; i < sums.size(); ++i)
      for (int step = 0; step < kSteps; ++step) sums[i] += values_[step * kClusterWords + i % kClusterWords];
    return sums;
  }

  std::vector<std::uint32_t> sums_of(const Device& device, unsigned int cluster, bool captured = false) {
    use_device(device);
    std::vector<std::uint32_t> sums(kBlocks * kClusterWords);
    const std::size_t bytes = sums.size() * sizeof(sums[0]);
    void *values = nullptr, *output = nullptr;
    cudaMalloc(&values, values_.size() * sizeof(values_[0]));
    cudaMalloc(&output, bytes);
    cudaMemcpy(values, values_.data(), values_.size() * sizeof(values_[0]), cudaMemcpyHostToDevice);
    cudaStreamSynchronize(nullptr);  // other streams read it
    launch(static_cast<const std::uint32_t*>(values), static_cast<std::uint32_t*>(output), cluster, captured);
    if (cudaMemcpy(sums.data(), output, bytes, cudaMemcpyDeviceToHost) != cudaSuccess) sums.clear();
    cudaFree(values);
    cudaFree(output);
    return sums;
  }

  std::vector<std::uint32_t> values_ = std::vector<std::uint32_t>(kSteps * kClusterWords);

 private:
  static void launch(const std::uint32_t* values, std::uint32_t* sums, unsigned int cluster, bool captured) {
    if (!captured) {
      EXPECT_EQ(sum_in_clusters(values, kSteps, sums, kBlocks, cluster, nullptr), cudaSuccess);
      return;
    }
    cudaStream_t stream = nullptr;
    cudaGraph_t graph = nullptr;
    cudaGraphExec_t executable = nullptr;
    cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
    cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal);
    EXPECT_EQ(sum_in_clusters(values, kSteps, sums, kBlocks, cluster, stream), cudaSuccess);
    cudaStreamEndCapture(stream, &graph);
    cudaGraphInstantiate(&executable, graph, 0);
    cudaGraphLaunch(executable, stream);
    cudaStreamSynchronize(stream);
    cudaGraphExecDestroy(executable);
    cudaGraphDestroy(graph);
    cudaStreamDestroy(stream);
  }
};

TEST_F(ClusterSums, AreRight) {
  for (const unsigned int cluster : {1u, 2u, 4u})
    for (std::uint32_t seed = 1; seed <= 6; ++seed)
      EXPECT_EQ(sums_of({.seed = seed}, cluster, seed % 2 == 0), expected()) << cluster << ", seed " << seed;
}

TEST_F(ClusterSums, AreNotStartedInVain) {
  for (const auto& [blocks, cluster, capability] :
       {std::array{4u, 3u, 90u}, std::array{4u, 8u, 90u}, std::array{3u, 2u, 90u}, std::array{4u, 2u, 80u}}) {
    use_device({.capability = static_cast<int>(capability)});
    EXPECT_EQ(sum_in_clusters(nullptr, 0, nullptr, blocks, cluster, nullptr), cudaErrorInvalidClusterSize);
  }
}

// By one seed or another: some of it only matters when one block is late.
TEST_F(ClusterSums, WithoutAnyOfWhatOrdersThemAreFoundOut) {
  for (const std::string name :
       {"mbarrier.init", "mbarrier.try_wait", "mbarrier.arrive", "fence.mbarrier_init", "cp.async.bulk",
        "barrier.cluster.arrive", "barrier.cluster.wait"}) {
    sums_of({}, 2);
    const int count = count_in_last_kernel(name);
    EXPECT_GT(count, 0) << name;
    for (int i = 0; i < count; ++i) {
      bool found_out = false;
      for (std::uint32_t seed = 1; seed <= 8; ++seed) {
        const auto sums = sums_of({.seed = seed, .without = name, .occurrence = i}, 2);
        found_out |= !take_faults().empty() || sums != expected();
      }
      EXPECT_TRUE(found_out) << name << ", number " << i;
    }
  }
}

}  // namespace
}  // namespace backdrop::ptx
