// The interpreter by itself: small kernels in PTX, some of which do what they may not.
#include <gtest/gtest.h>

#include "tests/ptx/small_kernel.h"

namespace backdrop::ptx {
namespace {

std::vector<std::uint32_t> run(const std::string& body, std::uint32_t threads = 32) {
  return run_small(body, {.threads = threads});
}

void expect_fault(const std::string& body, const std::string& what, std::uint32_t threads = 32,
                  std::uint32_t blocks = 1) {
  expect_fault(body, what, SmallLaunch{.threads = threads, .blocks = blocks});
}

TEST(Ptx, Integers) {
  const auto words = run(R"(
    mov.u32 %r5, -7;
    div.s32 %r6, %r5, 2;       st.global.u32 [%rd1], %r6;
    shr.s32 %r6, %r5, 1;       st.global.u32 [%rd1+4], %r6;
    shr.u32 %r6, %r5, 40;      st.global.u32 [%rd1+8], %r6;
    mul.wide.s32 %rd5, %r5, 3; cvt.u32.u64 %r6, %rd5; st.global.u32 [%rd1+12], %r6;
    mov.u32 %r7, 0x03020100;   mov.u32 %r8, 0x87060504;
    prmt.b32 %r6, %r7, %r8, 0x7160; st.global.u32 [%rd1+16], %r6;
    prmt.b32 %r6, %r7, %r8, 0xf0f0; st.global.u32 [%rd1+20], %r6;
    bfi.b32 %r6, 5, 0xffff0000, 4, 3; st.global.u32 [%rd1+24], %r6;
    { .reg .b16 low, high; mov.b32 {low, high}, %r8; mov.b32 %r6, {high, low}; }
    st.global.u32 [%rd1+28], %r6;
    setp.lt.s32 %p1, %r5, 0;   selp.b32 %r6, 11, 12, %p1; st.global.u32 [%rd1+32], %r6;
    @!%p1 mov.u32 %r6, 13;     st.global.u32 [%rd1+36], %r6;
    add.s32 %r6, 0x7fffffff, 2; st.global.u32 [%rd1+40], %r6;)");
  const std::uint32_t expected[] = {0xfffffffdu, 0xfffffffcu, 0u,  0xffffffebu, 0x87010600u, 0xff00ff00u,
                                    0xffff0050u, 0x05048706u, 11u, 11u,         0x80000001u};
  for (std::size_t i = 0; i < std::size(expected); ++i) EXPECT_EQ(words[i], expected[i]) << i;
}

TEST(Ptx, FloatsAndConversions) {
  const auto words = run(R"(
    .reg .f32 %f<9>; .reg .b16 %rs<9>;
    mov.f32 %f1, 0f40200000;
    cvt.rni.f32.f32 %f2, %f1;          st.global.f32 [%rd1], %f2;
    mov.f32 %f3, 0fBF800000;           cvt.rzi.u32.f32 %r6, %f3; st.global.u32 [%rd1+4], %r6;
    mov.f32 %f4, 0f7FC00000;           min.f32 %f5, %f4, %f1; st.global.f32 [%rd1+8], %f5;
    setp.neu.f32 %p1, %f4, %f4;        selp.u32 %r6, 1, 0, %p1; st.global.u32 [%rd1+12], %r6;
    mov.f32 %f6, 0f3F801000;           cvt.rna.tf32.f32 %r6, %f6; st.global.u32 [%rd1+16], %r6;
    mov.f32 %f7, 0f44000000;           cvt.rn.satfinite.e4m3x2.f32 %rs1, %f7, %f1;
    cvt.u32.u16 %r6, %rs1;             st.global.u32 [%rd1+20], %r6;
    cvt.rn.f16x2.f32 %r6, %f1, %f3;    st.global.u32 [%rd1+24], %r6;)");
  const std::uint32_t expected[] = {0x40000000u, 0u, 0x40200000u, 1u, 0x3f802000u, 0x7e42u, 0x4100bc00u};
  for (std::size_t i = 0; i < std::size(expected); ++i) EXPECT_EQ(words[i], expected[i]) << i;
}

TEST(Ptx, LanesPartAndMeetAgain) {
  // Lane n counts to n; all of them are together again at the shuffle.
  const auto words = run(R"(
    mov.u32 %r5, 0;
    $L_again: setp.ge.s32 %p1, %r5, %r1; @%p1 bra $L_done;
    add.s32 %r5, %r5, 1; bra.uni $L_again;
    $L_done: shfl.sync.down.b32 %r6|%p2, %r5, 3, 31, -1;
    st.global.u32 [%rd3], %r6;)");
  for (int lane = 0; lane < 32; ++lane)
    EXPECT_EQ(words[lane], static_cast<std::uint32_t>(lane < 29 ? lane + 3 : lane));
}

TEST(Ptx, LabelsInBracesMayComeAgain) {
  const auto words = run(R"(
    mov.u32 %r5, 1; setp.ne.s32 %p1, %r1, 0; @%p1 bra end;
    { bra next; add.s32 %r5, %r5, 10; next: add.s32 %r5, %r5, 100; }
    { { bra next; } add.s32 %r5, %r5, 1000; next: add.s32 %r5, %r5, 200; bra end; }
    next: end: st.global.u32 [%rd3], %r5;)");
  EXPECT_EQ(words[0], 301u);
  EXPECT_EQ(words[1], 1u);
}

TEST(Ptx, WarpsMeetAtBarriers) {
  const auto words = run(R"(
    st.shared.u32 [%r4], %r1; bar.sync 0;
    mov.u32 %r5, 508; sub.s32 %r5, %r5, %r3; add.s32 %r5, %r5, %r2;
    ld.shared.u32 %r6, [%r5]; st.global.u32 [%rd3], %r6;)",
                         128);
  for (int thread = 0; thread < 128; ++thread)
    EXPECT_EQ(words[thread], static_cast<std::uint32_t>(127 - thread));
}

TEST(Ptx, Races) {
  expect_fault("st.shared.u32 [%r4], %r1; bar.sync 0; st.shared.u32 [%r4], %r1; ld.shared.u32 %r5, [%r2];",
               "race:", 64);
  expect_fault("st.shared.u32 [%r2], %r1;", "race: written without a barrier after another warp's write", 64);
  // Neighbouring bytes are none.
  run("add.s32 %r5, %r2, %r1; st.shared.u8 [%r5], %r1;", 64);
  expect_fault("st.global.u32 [%rd3], %r1;", "race: another block", 32, 2);
}

TEST(Ptx, Addresses) {
  expect_fault("st.global.u32 [%rd1+512], %r1;", "lies outside (byte 512 of an allocation of 512)");
  expect_fault("mov.u64 %rd5, 64; ld.global.u32 %r5, [%rd5];", "not in any allocation");
  expect_fault("ld.global.u32 %r5, [%rd1+2];", "askew");
  expect_fault("ld.global.u32 %r5, [%rd1];", "nothing was written");
  expect_fault("ld.shared.u32 %r5, [%r4];", "nothing was written");
  expect_fault("st.shared.u32 [%r2+1280], %r1;", "outside its 1280 bytes");
  expect_fault("mov.u64 %rd5, frame; st.local.u32 [%rd5+8], %r1;", "local memory");
  run("mov.u32 %r5, launched; st.shared.u32 [%r5+252], %r1;");
}

TEST(Ptx, Copies) {
  const std::string copy =
      "st.global.u32 [%rd3], %r1; shl.b32 %r6, %r1, 4; add.s32 %r6, %r2, %r6;"
      "setp.gt.s32 %p1, %r1, 0; @%p1 bra $L_skip;"
      "cp.async.cg.shared.global [%r6], [%rd1], 16, 4; cp.async.commit_group; $L_skip:";
  // Only the first of the four words is the source's.
  EXPECT_EQ(run("mov.u32 %r1, 7;" + copy +
                "cp.async.wait_group 0; mov.u32 %r5, 1; st.global.u32 [%rd1+4], %r5;")[1],
            1u);
  expect_fault(copy + "ld.shared.u32 %r5, [%r2];", "while a copy to it is under way");
  expect_fault(copy, "a block ends while copies are under way");
  expect_fault(
      "st.shared.u32 [%r4], %r1; bar.sync 0;" + copy + "cp.async.wait_group 0; ld.shared.u32 %r5, [%r2];",
      "race:", 64);
}

TEST(Ptx, LanesThatDoNotComeTogether) {
  expect_fault(
      "setp.lt.s32 %p1, %r1, 5; @%p1 bra $L_end; shfl.sync.down.b32 %r5, %r1, 1, 31, -1; $L_end: bar.sync 0;",
      "only some lanes of the warp come here");
  expect_fault("setp.lt.s32 %p1, %r1, 5; @%p1 bar.sync 0;", "only some lanes of the warp execute it");
}

TEST(Ptx, OneLaneIsElected) {
  const auto words = run(R"(
    elect.sync %r5|%p1, -1; setmaxnreg.dec.sync.aligned.u32 40; bar.warp.sync -1;
    selp.u32 %r6, 9, %r5, %p1; st.global.u32 [%rd3], %r6;)");
  EXPECT_EQ(words[0], 9u);
  EXPECT_EQ(words[1], 0u);
  expect_fault("elect.sync _|%p1, 1;", "not all lanes that are named take part");
  expect_fault("setmaxnreg.inc.sync.aligned.u32 41;", "cannot have so many registers");
}

TEST(Ptx, WhatIsUnknownIsNamed) {
  expect_fault("sqrt.approx.f32 %r5, %r6;", "unknown instruction sqrt.approx.f32");
  expect_fault("bra $L_nowhere;", "no label $L_nowhere");
  expect_fault("mov.u32 %r5, nothing;", "unknown name nothing");
}

}  // namespace
}  // namespace backdrop::ptx
