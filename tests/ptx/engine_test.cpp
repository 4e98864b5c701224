// The whole GPU engine with its own kernels, interpreted: streams whose work is done at once, as late as it
// may be, and in random order among each other.
#include <gtest/gtest.h>

#include "backdrop/error.h"
#include "tests/conformance/scene.h"
#include "tests/ptx/runtime.h"

namespace backdrop {
namespace {

constexpr int kClasses = 9;
constexpr int kBackgrounds = 5;
constexpr int kSize = 13;

struct Run {
  Precision precision = Precision::fp32;
  bool reuse = true;
  float tolerance = 1e-4f;  // of the largest logit
};

class InterpretedEngine : public testing::TestWithParam<Run> {
 protected:
  void TearDown() override { ptx::use_device({}); }

  void compare(const ptx::Device& device) {
    ptx::use_device(device);
    const auto network = test::random_residual_network(kSize, 4);
    test::Scene expected(kSize, kBackgrounds, kClasses, 4);
    EngineOptions options;
    options.reference = true;
    options.threads = 1;
    expected.run(*make_cpu_engine(network, default_class_map(kClasses), options));
    test::Scene actual(kSize, kBackgrounds, kClasses, 4);
    options = {};
    options.precision = GetParam().precision;
    options.reuse = GetParam().reuse;
    options.batch = 3;
    ptx::take_graph_launches();
    actual.run(*make_cuda_engine(network, default_class_map(kClasses), options));
    if (!options.reuse) {
      EXPECT_GT(ptx::take_graph_launches(), 0);
    }
    const float allowed = GetParam().tolerance * expected.largest_logit();
    for (std::size_t f = 0; f < expected.logits.size(); ++f)
      for (std::size_t i = 0; i < expected.logits[f].size(); ++i)
        ASSERT_LE(std::abs(actual.logits[f][i] - expected.logits[f][i]), allowed)
            << test::mask_names()[f] << ", logit " << i;
    EXPECT_EQ(actual.predictions, expected.predictions);
  }
};

TEST_P(InterpretedEngine, AsLateAsPossible) {
  compare({.timing = ptx::Timing::late});
}

TEST_P(InterpretedEngine, InRandomOrder) {
  compare({.timing = ptx::Timing::random});
}

TEST_P(InterpretedEngine, AtOnceOnAnOlderDevice) {
  if (GetParam().precision == Precision::fp8)
    EXPECT_THROW(compare({.capability = 80}), Error);
  else
    compare({.capability = 80, .timing = ptx::Timing::at_once});
}

INSTANTIATE_TEST_SUITE_P(Runs, InterpretedEngine,
                         testing::Values(Run{}, Run{Precision::fp32, false},
                                         Run{Precision::fp16, true, 1e-2f},
                                         Run{Precision::fp16, false, 1e-2f}, Run{Precision::int8, true, 0.5f},
                                         Run{Precision::int8, false, 0.5f}, Run{Precision::fp8, true, 0.5f}),
                         [](const auto& run) {
                           return std::string(name(run.param.precision)) +
                                  (run.param.reuse ? "_reuse" : "_dense");
                         });

}  // namespace
}  // namespace backdrop
