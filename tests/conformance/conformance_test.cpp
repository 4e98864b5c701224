// Every engine, with and without reuse and in every precision, against the plain reference loops: the same
// table of networks and masks for all. Cases of a device that is not there are skipped with the reason.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>
#include <utility>

#include "backdrop/error.h"
#include "tests/conformance/gpu_without.h"
#include "tests/conformance/scene.h"

namespace backdrop {
namespace {

using test::kClasses;

struct Subject {
  std::string name;
  bool cuda = false;
  Precision precision = Precision::fp32;
  bool reuse = true;
  float tolerance = 1e-4f;  // of the largest logit
  bool onednn = false;
};

std::unique_ptr<Engine> make(const Subject& subject, const std::shared_ptr<const Network>& network,
                             int batch) {
  EngineOptions options;
  options.precision = subject.precision;
  options.reuse = subject.reuse;
  options.batch = batch;
  options.onednn = subject.onednn;
  options.threads = subject.cuda ? 0 : 2;
  options.gpu_without = test::gpu_without();
  return (subject.cuda ? make_cuda_engine : make_cpu_engine)(network, default_class_map(kClasses), options);
}

class Conformance : public testing::TestWithParam<Subject> {
 protected:
  void SetUp() override {
    try {
      make(GetParam(), test::random_plain_network(8, 1), 1);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::no_device) throw;
      GTEST_SKIP() << error.what();
    }
  }

  // `kind` of network: with the seed, all that it depends on.
  void compare(const std::string& kind, const std::shared_ptr<const Network>& network, int size,
               int backgrounds, unsigned seed, int batch) {
    SCOPED_TRACE(testing::Message() << kind << ", seed " << seed << ", batch " << batch);
    // The same for all engines. The plain loops take longer than most of these, and time on a GPU may be
    // lent.
    static std::map<std::pair<std::string, unsigned>, test::Scene> scenes;
    auto known = scenes.find({kind, seed});
    if (known == scenes.end())
      known =
          scenes.insert({{kind, seed}, test::plain_scene(network, size, backgrounds, kClasses, seed)}).first;
    const test::Scene& expected = known->second;
    test::Scene actual(size, backgrounds, kClasses, seed);
    actual.run(*make(GetParam(), network, batch));

    test::expect_logits(actual, expected, GetParam().tolerance);
    if (HasFatalFailure()) return;
    for (std::size_t f = 0; f < expected.logits.size(); ++f) {
      SCOPED_TRACE(test::mask_names()[f]);
      for (std::size_t i = 0; i < expected.predictions[f].size(); ++i)
        check_prediction(actual, expected, f, i);
    }
  }

 private:
  // Equal wherever fp32's own rounding cannot decide; low precisions decide close ones again in fp32.
  void check_prediction(const test::Scene& actual, const test::Scene& expected, std::size_t f,
                        std::size_t i) {
    std::vector<float> logits(expected.logits[f].begin() + i * kClasses,
                              expected.logits[f].begin() + (i + 1) * kClasses);
    std::sort(logits.rbegin(), logits.rend());
    if (logits[0] - logits[1] < 1e-3f * expected.largest_logit()) return;
    EXPECT_EQ(actual.predictions[f][i], expected.predictions[f][i]) << "background " << i;
  }
};

TEST_P(Conformance, RandomNetworks) {
  for (unsigned seed = 0; seed < 6; ++seed) {
    const int size = 15 + static_cast<int>(seed);
    const int batch = 1 + static_cast<int>(seed % 4) * 2;
    compare("residual", test::random_residual_network(size, seed), size, 9, seed, batch);
    compare("plain", test::random_plain_network(size, seed), size, 9, seed, batch);
    if (HasFatalFailure()) return;
  }
}

TEST_P(Conformance, WideNetwork) {
  compare("wide", test::wide_network(10), 10, 9, 7, 0);
}

// More backgrounds than a batch of the GPU holds.
TEST_P(Conformance, ManyBackgrounds) {
  compare("residual", test::random_residual_network(15, 11), 15, 150, 11, 0);
}

std::vector<Subject> subjects() {
  std::vector<Subject> all{{"cpu_reuse"},
                           {"cpu_dense", false, Precision::fp32, false},
                           {"cpu_onednn", false, Precision::fp32, false, 1e-4f, true}};
  for (const bool reuse : {true, false}) {
    const std::string suffix = reuse ? "_reuse" : "_dense";
    all.push_back({"cuda_fp32" + suffix, true, Precision::fp32, reuse, 1e-4f});
    all.push_back({"cuda_tf32" + suffix, true, Precision::tf32, reuse, 1e-2f});
    all.push_back({"cuda_fp16" + suffix, true, Precision::fp16, reuse, 1e-2f});
    all.push_back({"cuda_bf16" + suffix, true, Precision::bf16, reuse, 8e-2f});
    all.push_back({"cuda_int8" + suffix, true, Precision::int8, reuse, 0.5f});
    all.push_back({"cuda_fp8" + suffix, true, Precision::fp8, reuse, 0.5f});
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(Engines, Conformance, testing::ValuesIn(subjects()),
                         [](const auto& subject) { return subject.param.name; });

}  // namespace
}  // namespace backdrop
