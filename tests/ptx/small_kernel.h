/// \file
/// Small kernels in PTX that tests write by hand.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "tests/ptx/machine.h"

namespace backdrop::ptx {

struct SmallLaunch {
  std::uint32_t threads = 32;
  std::uint32_t blocks = 1;
  std::uint32_t cluster = 1;
  std::size_t shared_bytes = 256;  // besides the 1,024 of `own`
  std::size_t words = 128;         // of output
  std::uint32_t seed = 1;
};

/// Runs the body of a kernel with the parameter `out` in %rd1, %tid.x in %r1 and 4 x %tid.x in %rd2, and
/// returns its output.
inline std::vector<std::uint32_t> run_small(const std::string& body, const SmallLaunch& small) {
  const std::string text =
      ".version 9.0\n.target sm_90a\n.address_size 64\n"
      ".extern .shared .align 16 .b8 launched[];\n"
      ".visible .entry test(.param .u64 out)\n{\n.reg .pred %p<9>;\n.reg .b32 %r<99>;\n.reg .b64 %rd<99>;\n"
      ".shared .align 16 .b8 own[1024];\n.local .align 4 .b8 frame[8];\n"
      "ld.param.u64 %rd1, [out];\nmov.u32 %r1, %tid.x;\nmul.wide.s32 %rd2, %r1, 4;\n"
      "add.s64 %rd3, %rd1, %rd2;\nmov.u32 %r2, own;\nshl.b32 %r3, %r1, 2;\nadd.s32 %r4, %r2, %r3;\n" +
      body + "\nret;\n}\n";
  const std::vector<Kernel> kernels = parse(text);
  DeviceMemory memory(1 << 20);
  auto* output = static_cast<std::uint32_t*>(memory.allocate(small.words * sizeof(std::uint32_t)));
  std::memset(output, 0, small.words * sizeof(std::uint32_t));
  Launch launch{
      &kernels[0], small.blocks, small.threads, small.shared_bytes, std::vector<std::byte>(sizeof(output)),
      1,           small.cluster};
  std::memcpy(launch.parameters.data(), &output, sizeof(output));
  std::mt19937 generator(small.seed);
  Multiprocessor multiprocessor;
  run(launch, multiprocessor, memory, generator);
  return {output, output + small.words};
}

inline void expect_fault(const std::string& body, const std::string& what, const SmallLaunch& small) {
  try {
    run_small(body, small);
    ADD_FAILURE() << "no fault: " << what;
  } catch (const Fault& fault) {
    EXPECT_THAT(fault.what(), testing::HasSubstr(what));
  }
}

}  // namespace backdrop::ptx
