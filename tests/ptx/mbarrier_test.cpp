// Mbarriers and bulk copies: what they bring, and what is found out.
#include <gtest/gtest.h>

#include "tests/ptx/small_kernel.h"

namespace backdrop::ptx {
namespace {

constexpr SmallLaunch kTwoWarps{.threads = 64};

// 256 bytes of numbers in global memory; %p1: not the first thread; mbarriers at %r10 and behind.
const std::string kNumbers =
    "st.global.u32 [%rd3], %r1; setp.ne.s32 %p1, %r1, 0; add.s32 %r10, %r2, 512; bar.sync 0;";
const std::string kInitOne = "@!%p1 mbarrier.init.shared::cta.b64 [%r10], 1;";
const std::string kFence = "@!%p1 fence.mbarrier_init.release.cluster;";
const std::string kStart = kNumbers + kInitOne + kFence + "bar.sync 0;";

std::string arrive(int bytes) {
  return "@!%p1 mbarrier.arrive.expect_tx.shared::cta.b64 _, [%r10], " + std::to_string(bytes) + ";";
}
std::string copy(const std::string& to = "%r2", const std::string& from = "%rd1",
                 const std::string& bytes = "256") {
  return "@!%p1 cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [" + to + "], [" + from +
         "], " + bytes + ", [%r10];";
}
const std::string kTryWait =
    "$L_wait: mbarrier.try_wait.parity.shared::cta.b64 %p2, [%r10], 0; @!%p2 bra $L_wait;";
// Only the second warp waits.
const std::string kOneWaits = "setp.lt.s32 %p3, %r1, 32; @%p3 bra $L_skip;" + kTryWait + "$L_skip:";
const std::string kRead = "ld.shared.u32 %r5, [%r4]; add.s32 %r5, %r5, 7; st.global.u32 [%rd3], %r5;";

TEST(BulkCopies, ArriveWithTheirPhase) {
  for (std::uint32_t seed = 1; seed <= 8; ++seed)
    for (const std::string& body :
         {kStart + arrive(256) + copy() + kTryWait + kRead, kStart + copy() + arrive(256) + kTryWait + kRead,
          kStart + arrive(256) + copy() + kOneWaits + "bar.sync 0;" + kRead,
          kStart + "@!%p1 mbarrier.expect_tx.relaxed.cta.shared::cta.b64 [%r10], 256;" + copy() +
              "@!%p1 mbarrier.arrive.release.cta.shared::cta.b64 %rd5, [%r10];" + kTryWait + kRead}) {
      const auto words = run_small(body, {.threads = 64, .seed = seed});
      for (std::uint32_t i = 0; i < 64; ++i) EXPECT_EQ(words[i], i + 7);
    }
}

TEST(BulkCopies, ReadTooEarly) {
  expect_fault(kStart + arrive(256) + copy() + "bar.sync 0;" + kRead, "while a copy to it is under way",
               kTwoWarps);
  for (std::uint32_t seed = 1; seed <= 8; ++seed) try {
      run_small(kStart + arrive(256) + copy() + kOneWaits + kRead, {.threads = 64, .seed = seed});
      ADD_FAILURE() << "no fault";
    } catch (const Fault& fault) {
      EXPECT_THAT(fault.what(), testing::AnyOf(testing::HasSubstr("while a copy to it is under way"),
                                               testing::HasSubstr("did not see its bulk copy's phase")));
    }
  expect_fault(kStart + arrive(256) + copy(), "a block ends while copies are under way", kTwoWarps);
}

TEST(BulkCopies, AndTheBytesThatPhasesExpect) {
  expect_fault(kStart + arrive(512) + copy() + kTryWait,
               "0 arrivals are missing, and of 512 bytes expected 256", kTwoWarps);
  expect_fault(kStart + arrive(128) + copy() + kTryWait, "more bytes are copied than the phase expects",
               kTwoWarps);
  expect_fault(kStart + copy() + "@!%p1 mbarrier.arrive.shared::cta.b64 _, [%r10];" + kTryWait,
               "the phase is complete though copies that report to it are under way", kTwoWarps);
}

TEST(BulkCopies, AddressesAndSizes) {
  const std::string unit = "bulk copies are of multiples of 16 bytes";
  expect_fault(kStart + copy("%r2", "%rd1", "8"), unit, kTwoWarps);
  expect_fault(kStart + copy("%r2+8", "%rd1", "16"), unit, kTwoWarps);
  expect_fault(kStart + copy("%r2", "%rd1+8", "16"), unit, kTwoWarps);
  expect_fault(kStart + copy("%r2", "%rd1+512", "16"), "lies outside", kTwoWarps);
  expect_fault(kStart + copy("%r2", "%rd1", "512"), "nothing was written", kTwoWarps);
  expect_fault(kStart + copy("%r2+1088"), "outside its 1280 bytes", kTwoWarps);
  expect_fault(kStart + copy("%r2+384"), "an mbarrier lies there", kTwoWarps);
}

TEST(BulkCopies, OverWhatIsInUse) {
  const std::string store = "st.shared.u32 [%r4], %r1;";
  const std::string show = "fence.proxy.async.shared::cta;";
  const std::string bring = arrive(256) + copy() + kTryWait + kRead;
  expect_fault(kStart + store + "bar.sync 0;" + bring, "no fence.proxy.async behind the write", kTwoWarps);
  EXPECT_EQ(run_small(kStart + store + show + "bar.sync 0;" + bring, kTwoWarps)[1], 8u);
  expect_fault(kStart + store + show + bring, "race:", kTwoWarps);
  expect_fault(kStart + arrive(512) + copy() + copy(), "written while a copy to it is under way", kTwoWarps);
}

TEST(Mbarriers, MustBeThere) {
  expect_fault(kNumbers + "bar.sync 0;" + arrive(256), "no mbarrier lies at byte 512", kTwoWarps);
  expect_fault(kNumbers + kInitOne + "bar.sync 0;" + arrive(256) + copy(), "no fence.mbarrier_init",
               kTwoWarps);
  expect_fault(kNumbers + kInitOne + kFence + "mbarrier.arrive.shared::cta.b64 _, [%r10];", "mbarrier",
               kTwoWarps);
  expect_fault(kStart + kInitOne, "written though an mbarrier lies there", kTwoWarps);
  expect_fault(kStart + "ld.shared.u64 %rd5, [%r10];", "read though an mbarrier lies there", kTwoWarps);
  run_small(kStart + "@!%p1 mbarrier.inval.shared::cta.b64 [%r10];" + kInitOne, kTwoWarps);
}

TEST(Mbarriers, CountArrivals) {
  const std::string two =
      kNumbers + "@!%p1 mbarrier.init.shared::cta.b64 [%r10], 64;" + kFence + "bar.sync 0;";
  run_small(two + "mbarrier.arrive.shared::cta.b64 _, [%r10];" + kTryWait, kTwoWarps);
  expect_fault(two + "@!%p1 mbarrier.arrive.shared::cta.b64 _, [%r10], 63;" + kTryWait,
               "1 arrivals are missing", kTwoWarps);
  expect_fault(two + "@!%p1 mbarrier.arrive.shared::cta.b64 _, [%r10], 65;", "more arrive", kTwoWarps);
  expect_fault(kStart + "mbarrier.try_wait.parity.shared::cta.b64 %p2, [%r10], 2;", "a parity is 0 or 1",
               kTwoWarps);
  // The phase before the first one is complete.
  run_small(kStart + "$L_wait: mbarrier.test_wait.parity.shared::cta.b64 %p2, [%r10], 1; @!%p2 bra $L_wait;",
            kTwoWarps);
}

TEST(Mbarriers, OrderWarps) {
  // The first warp writes for the second one.
  const auto hand_over = [](const std::string& sem) {
    return kNumbers + "@!%p1 mbarrier.init.shared::cta.b64 [%r10], 32; bar.sync 0;" +
           "setp.lt.s32 %p3, %r1, 32; @!%p3 bra $L_wait;"
           "st.shared.u32 [%r4], %r1; mbarrier.arrive" +
           sem + ".shared::cta.b64 _, [%r10]; bra.uni $L_end;" + kTryWait +
           "ld.shared.u32 %r5, [%r4+-128]; st.global.u32 [%rd3], %r5; $L_end:";
  };
  for (std::uint32_t seed = 1; seed <= 4; ++seed)
    EXPECT_EQ(run_small(hand_over(""), {.threads = 64, .seed = seed})[35], 3u);
  expect_fault(hand_over(".relaxed.cta"), "race: read without a barrier", kTwoWarps);
}

// A warp fills two stages again and again, two others add up what comes.
std::string pipeline(bool waits_for_readers) {
  return kNumbers +
         "add.s32 %r11, %r10, 16; mov.u32 %r12, 0; mov.u32 %r13, 0;"  // the readers', the step, the sum
         "@!%p1 mbarrier.init.shared::cta.b64 [%r10], 1; @!%p1 mbarrier.init.shared::cta.b64 [%r10+8], 1;"
         "@!%p1 mbarrier.init.shared::cta.b64 [%r11], 64; @!%p1 mbarrier.init.shared::cta.b64 [%r11+8], 64;" +
         kFence +
         "bar.sync 0; $L_step:"
         "and.b32 %r14, %r12, 1; shl.b32 %r15, %r14, 8; add.s32 %r15, %r15, %r2;"  // the stage, its memory
         "shl.b32 %r14, %r14, 3; add.s32 %r16, %r10, %r14; add.s32 %r17, %r11, %r14;"
         "shr.u32 %r18, %r12, 1; and.b32 %r18, %r18, 1; xor.b32 %r19, %r18, 1;"
         "setp.lt.s32 %p3, %r1, 32; @%p3 bra $L_fill;"
         "$L_full: mbarrier.try_wait.parity.shared::cta.b64 %p2, [%r16], %r18; @!%p2 bra $L_full;"
         "add.s32 %r20, %r15, %r3; ld.shared.u32 %r21, [%r20+-128]; add.s32 %r13, %r13, %r21;"
         "mbarrier.arrive.shared::cta.b64 _, [%r17]; bra.uni $L_next;"
         "$L_fill: @%p1 bra $L_next;" +
         (waits_for_readers
              ? "$L_empty: mbarrier.try_wait.parity.shared::cta.b64 %p2, [%r17], %r19; @!%p2 bra $L_empty;"
              : std::string()) +
         "mbarrier.arrive.expect_tx.shared::cta.b64 _, [%r16], 256;"
         "cp.async.bulk.shared::cta.global.mbarrier::complete_tx::bytes [%r15], [%rd1], 256, [%r16];"
         "$L_next: add.s32 %r12, %r12, 1; setp.lt.s32 %p4, %r12, 7; @%p4 bra $L_step;"
         "bar.sync 0; setp.ge.s32 %p3, %r1, 32; @%p3 st.global.u32 [%rd3], %r13;";
}

TEST(Mbarriers, OrderAPipeline) {
  for (std::uint32_t seed = 1; seed <= 8; ++seed) {
    const auto words = run_small(pipeline(true), {.threads = 96, .seed = seed});
    for (std::uint32_t i = 32; i < 96; ++i) EXPECT_EQ(words[i], 7 * (i - 32));
    EXPECT_THROW(run_small(pipeline(false), {.threads = 96, .seed = seed}), Fault);
  }
}

}  // namespace
}  // namespace backdrop::ptx
