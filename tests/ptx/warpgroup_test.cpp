// Products of a warpgroup that are under way while others are waited for.
#include <gtest/gtest.h>

#include "tests/ptx/small_kernel.h"

namespace backdrop::ptx {
namespace {

constexpr int kThreads = 128;
constexpr int kLeft = 64;  // rows of the left operand
constexpr int kMostRight = 256;

const std::string kProductFence = "wgmma.fence.sync.aligned;";

int left_value(int row) {
  return row % 5 + 1;
}
int right_value(int column) {
  return column % 7 + 1;
}

// "%PREFIX0, %PREFIX1, ..."
std::string registers(const std::string& prefix, int count) {
  std::string names;
  for (int i = 0; i < count; ++i) names += (i > 0 ? ", " : "") + prefix + std::to_string(i);
  return names;
}

// Operands of halves in the launch's memory, 128 bytes a row: all of a left row have left_value, then 256
// right rows likewise. Descriptors in %rd10 and %rd11, sums in %x0.. and %y0.., which begin with 0.
std::string operands(int sums) {
  const std::string rows = std::to_string(kLeft + kMostRight);
  std::string body =
      ".reg .f32 %x<128>; .reg .f32 %y<128>; .reg .b16 %h<2>; .reg .f32 %f<2>;"
      "mov.u32 %r10, %r1; mov.u32 %r11, launched; $L_row:"
      "rem.u32 %r12, %r10, 5; setp.lt.u32 %p1, %r10, 64; @%p1 bra $L_left; sub.u32 %r12, %r10, 64;"
      "rem.u32 %r12, %r12, 7; $L_left: add.u32 %r12, %r12, 1; cvt.rn.f32.u32 %f0, %r12;"
      "cvt.rn.f16.f32 %h0, %f0; mov.b32 %r13, {%h0, %h0}; shl.b32 %r14, %r10, 7; add.u32 %r14, %r14, %r11;"
      "mov.u32 %r15, 0; $L_word: add.u32 %r16, %r14, %r15; st.shared.u32 [%r16], %r13; add.u32 %r15, %r15, 4;"
      "setp.lt.u32 %p2, %r15, 128; @%p2 bra $L_word;"
      "add.u32 %r10, %r10, 128; setp.lt.u32 %p3, %r10, " +
      rows +
      "; @%p3 bra $L_row;"
      "fence.proxy.async.shared::cta; bar.sync 0;"
      // The start in units of 16 bytes, 1,024 bytes from eight rows to the next, the swizzle by 128 bytes.
      "shr.u32 %r12, %r11, 4; cvt.u64.u32 %rd10, %r12; mov.u64 %rd12, 0x4000004000000000;"
      "or.b64 %rd10, %rd10, %rd12; add.s64 %rd11, %rd10, 512; setp.eq.u32 %p4, %r1, %r1;";
  for (int i = 0; i < sums; ++i)
    for (const char* set : {"%x", "%y"}) body += "mov.f32 " + (set + std::to_string(i)) + ", 0f00000000;";
  return body + kProductFence;
}

std::string product(int columns, const std::string& sums) {
  return "wgmma.mma_async.sync.aligned.m64n" + std::to_string(columns) + "k16.f32.f16.f16 {" +
         registers(sums, columns / 2) + "}, %rd10, %rd11, %p4, 1, 1, 0, 0; wgmma.commit_group.sync.aligned;";
}

std::string store(const std::string& sums, int count) {
  std::string body = "mul.wide.u32 %rd5, %r1, " + std::to_string(4 * count) + "; add.s64 %rd5, %rd5, %rd1;";
  for (int i = 0; i < count; ++i)
    body += "st.global.f32 [%rd5+" + std::to_string(4 * i) + "], " + sums + std::to_string(i) + ";";
  return body;
}

SmallLaunch launch_of(int sums) {
  return {
      .threads = kThreads, .shared_bytes = (kLeft + kMostRight) * 128, .words = std::size_t{kThreads} * sums};
}

TEST(Warpgroups, Of256Columns) {
  constexpr int kSums = 128;
  const auto words = run_small(operands(kSums) + product(256, "%x") + product(256, "%x") +
                                   "wgmma.wait_group.sync.aligned 0;" + store("%x", kSums),
                               launch_of(kSums));
  for (int thread = 0; thread < kThreads; ++thread)
    for (int i = 0; i < kSums; ++i) {
      const int row = thread / 32 * 16 + thread % 32 / 4 + i % 4 / 2 * 8;
      const int column = i / 4 * 8 + thread % 4 * 2 + i % 2;
      float sum = 0;
      std::memcpy(&sum, &words[thread * kSums + i], sizeof(sum));
      ASSERT_EQ(sum, static_cast<float>(2 * 16 * left_value(row) * right_value(column)))
          << thread << " " << i;
    }
}

TEST(Warpgroups, AreWaitedForGroupByGroup) {
  constexpr int kSums = 32;
  const std::string two = operands(kSums) + product(64, "%x") + product(64, "%y");
  const std::string one_is_done = "wgmma.wait_group.sync.aligned 1;";
  const std::string all_are_done = "wgmma.wait_group.sync.aligned 0;";
  const std::uint32_t sum = 0x41800000;  // 16
  EXPECT_EQ(run_small(two + one_is_done + store("%x", kSums) + all_are_done, launch_of(kSums))[0], sum);
  expect_fault(two + one_is_done + store("%y", kSums) + all_are_done, "while a product has it",
               launch_of(kSums));
  EXPECT_EQ(run_small(two + all_are_done + store("%y", kSums), launch_of(kSums))[0], sum);
}

// The left operand in registers.
std::string product_of_registers(const std::string& sums) {
  return "wgmma.mma_async.sync.aligned.m64n64k8.f32.tf32.tf32 {" + registers(sums, 32) +
         "}, {%r20, %r20, %r20, %r20}, %rd11, %p4, 1, 1; wgmma.commit_group.sync.aligned;";
}

TEST(Warpgroups, TakeRegistersBehindAFence) {
  constexpr int kSums = 32;
  const std::string ready = operands(kSums);
  const std::string not_fenced = ready.substr(0, ready.size() - kProductFence.size());
  const std::string wait = "wgmma.wait_group.sync.aligned 0;", multiply = product(64, "%x") + wait;
  const std::string left = "mov.u32 %r20, %r1;", multiply_registers = product_of_registers("%x") + wait;
  const char* const fault = "without a wgmma.fence";
  expect_fault(not_fenced + multiply, fault, launch_of(kSums));
  for (const std::string use : {"mov.f32 %x5, 0f00000000;", "mov.f32 %y5, %x5;"}) {
    expect_fault(ready + multiply + use + multiply, fault, launch_of(kSums));
    run_small(ready + multiply + use + kProductFence + multiply, launch_of(kSums));
  }
  expect_fault(ready + left + multiply_registers, fault, launch_of(kSums));
  run_small(ready + left + kProductFence + multiply_registers, launch_of(kSums));
}

TEST(Warpgroups, HaveTheirRegistersUntilTheyAreWaitedFor) {
  constexpr int kSums = 32;
  const std::string two =
      operands(kSums) + "mov.u32 %r20, %r1;" + kProductFence + product_of_registers("%x") + product(64, "%y");
  const std::string one_is_done = "wgmma.wait_group.sync.aligned 1;";
  const std::string all_are_done = "wgmma.wait_group.sync.aligned 0;";
  for (const std::string use : {"mov.f32 %x5, 0f00000000;", "mov.f32 %f0, %x5;", "mov.u32 %r20, 0;"}) {
    expect_fault(two + use + all_are_done, "while a product has it", launch_of(kSums));
    run_small(two + one_is_done + use + all_are_done, launch_of(kSums));
  }
}

TEST(Warpgroups, HoldWhatTheyReadUntilTheyAreWaitedFor) {
  constexpr int kSums = 32;
  const std::string one = operands(kSums) + product(64, "%x"),
                    two = one + "add.s64 %rd11, %rd11, 512;" + product(64, "%y");
  const std::string write =
      "bar.sync 0; shl.b32 %r12, %r1, 2; add.u32 %r12, %r12, %r11;"
      "st.shared.u32 [%r12+8192], %r1;";  // where the first product's right operand is
  const std::string one_is_done = "wgmma.wait_group.sync.aligned 1;";
  const std::string all_are_done = "wgmma.wait_group.sync.aligned 0;";
  run_small(two + one_is_done + write + all_are_done, launch_of(kSums));
  expect_fault(one + one_is_done + write + all_are_done, "tensor cores may still read it", launch_of(kSums));
  // Whoever waits late reads until then, though it came to the barrier before.
  for (std::uint32_t seed = 1; seed <= 8; ++seed) {
    SmallLaunch launch = launch_of(kSums);
    launch.seed = seed;
    EXPECT_THROW(
        run_small(one + "setp.lt.u32 %p5, %r1, 32; bar.sync 0; @%p5 bra $L_writes;" + all_are_done +
                      "bra.uni $L_end; $L_writes:" + all_are_done + "st.shared.u32 [%r11+8192], %r1; $L_end:",
                  launch),
        Fault);
  }
}

// The first thread copies over the right operand once all have said that they are done with it.
std::string reuse(bool says_so_too_early) {
  const std::string wait = "wgmma.wait_group.sync.aligned 0;";
  const std::string arrive = "mbarrier.arrive.shared::cta.b64 _, [%r20];";
  return "st.global.u32 [%rd3], %r1; setp.ne.u32 %p5, %r1, 0; setp.lt.u32 %p6, %r1, 32; add.u32 %r20, %r2, "
         "512;"
         "@!%p5 mbarrier.init.shared::cta.b64 [%r20], 128; @!%p5 mbarrier.init.shared::cta.b64 [%r20+8], 1;"
         "@!%p5 fence.mbarrier_init.release.cluster;" +
         operands(32) + product(64, "%x") + (says_so_too_early ? "@!%p6 " + arrive : std::string()) + wait +
         (says_so_too_early ? "@%p6 " + arrive : arrive) +
         "@%p5 bra $L_end; $L_done: mbarrier.try_wait.parity.shared::cta.b64 %p7, [%r20], 0; @!%p7 bra "
         "$L_done;"
         "mbarrier.arrive.expect_tx.shared::cta.b64 _, [%r20+8], 512;"
         "cp.async.bulk.shared::cta.global.mbarrier::complete_tx::bytes [%r11+8192], [%rd1], 512, [%r20+8];"
         "$L_come: mbarrier.try_wait.parity.shared::cta.b64 %p7, [%r20+8], 0; @!%p7 bra $L_come; $L_end:";
}

TEST(Warpgroups, HoldWhatBulkCopiesMayNotOverwrite) {
  for (std::uint32_t seed = 1; seed <= 8; ++seed) {
    SmallLaunch launch = launch_of(32);
    launch.seed = seed;
    run_small(reuse(false), launch);
    EXPECT_THROW(run_small(reuse(true), launch), Fault);
  }
}

// All but the first warp write what they say is there by an mbarrier, the first one multiplies it.
std::string handed_over(const std::string& before, const std::string& behind) {
  return "setp.ne.u32 %p5, %r1, 0; setp.lt.u32 %p6, %r1, 32; add.u32 %r20, %r2, 512;"
         "@!%p5 mbarrier.init.shared::cta.b64 [%r20], 96;" +
         operands(32) + "@%p6 bra $L_wait; add.u32 %r21, %r11, %r3; st.shared.u32 [%r21+8192], %r1;" +
         before + "mbarrier.arrive.shared::cta.b64 _, [%r20];" + behind +
         "$L_wait: mbarrier.try_wait.parity.shared::cta.b64 %p7, [%r20], 0; @!%p7 bra $L_wait;" +
         product(64, "%x") + "wgmma.wait_group.sync.aligned 0;";
}

TEST(Warpgroups, ReadWhatWasShownBeforeItWasToldOf) {
  const std::string fence = "fence.proxy.async.shared::cta;";
  for (std::uint32_t seed = 1; seed <= 8; ++seed) {
    SmallLaunch launch = launch_of(32);
    launch.seed = seed;
    run_small(handed_over(fence, ""), launch);
    expect_fault(handed_over("", fence), "no fence.proxy.async behind the write", launch);
    expect_fault(handed_over("", ""), "no fence.proxy.async behind the write", launch);
  }
}

}  // namespace
}  // namespace backdrop::ptx
