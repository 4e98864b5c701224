// Bottlenecks in one kernel, interpreted, against the same layer by layer.
#include <gtest/gtest.h>

#include <numeric>

#include "engine/cuda_bottlenecks.h"
#include "engine/cuda_dense.h"
#include "engine/cuda_graph.h"
#include "tests/conformance/scene.h"
#include "tests/cuda/small_resnet.h"
#include "tests/ptx/runtime.h"

namespace backdrop {
namespace {

using test::kClasses;

// A composite's logits, and what the dense path says that it fused.
std::vector<std::vector<float>> logits_on(const ptx::Device& device, Precision precision,
                                          std::string& libraries) {
  constexpr int kSize = 9;
  ptx::use_device(device);
  const auto network = test::small_resnet(kSize);
  test::Scene scene(kSize, 1, kClasses, 9);
  CudaLayers layers(*network, precision);
  ThreadPool pool(1);
  if (needs_calibration(precision))
    layers.set_calibration(
        *network,
        calibrate(network, {{{&scene.foregrounds[0], &scene.masks[0], &scene.backgrounds->front()}}}, pool));
  const CudaPhotos photos = upload_photos(*scene.backgrounds);
  std::vector<std::int32_t> in9(kClasses);
  std::iota(in9.begin(), in9.end(), 0);
  const DeviceBuffer device_in9(in9.size() * sizeof(std::int32_t));
  copy_to_device(device_in9.data(), in9.data(), device_in9.size(), "classes");
  PlanFolder nowhere({}, {}, false, {});
  CudaDense dense(layers, device_in9.as<std::int32_t>(), 1, {}, nowhere);
  libraries = dense.libraries();
  auto tasks = scene.tasks();
  tasks.resize(1);
  dense.run(tasks, photos,
            [&](std::size_t t, std::size_t place, const kernels::DeviceDecision&, const float* from) {
              std::copy_n(from, kClasses, tasks[t].logits + place * kClasses);
            });
  scene.logits.resize(1);
  return scene.logits;
}

TEST(InterpretedBottlenecks, GiveTheLayersLogits) {
  for (const Precision precision : {Precision::int8, Precision::fp16}) {
    SCOPED_TRACE(name(precision));
    std::string libraries;
    // By instructions the layers are the faster, by launches the bottlenecks.
    const auto expected = logits_on({}, precision, libraries);
    EXPECT_EQ(libraries.find("bottlenecks in"), std::string::npos) << libraries;
    const auto actual = logits_on({.counts_launches = true}, precision, libraries);
    EXPECT_NE(libraries.find("bottlenecks in"), std::string::npos) << libraries;
    for (std::size_t f = 0; f < expected.size(); ++f)
      for (std::size_t i = 0; i < expected[f].size(); ++i)
        ASSERT_NEAR(actual[f][i], expected[f][i], precision == Precision::fp16 ? 1e-2f : 0.0f);
  }
  ptx::use_device({});
}

// One kernel with more and then less shared memory: the second launch must not forbid the first one.
TEST(InterpretedBottlenecks, OfSeveralSizesAreOneGraph) {
  ptx::use_device({});
  {
    const auto network = test::small_resnet(9);
    const CudaLayers layers(*network, Precision::fp16);
    const auto chains = find_chains(layers.network());
    ASSERT_GT(chains.front().size(), 1u);
    const CudaChain large(layers, chains.front(), 8);
    const CudaChain small(layers, {chains.front().front()}, 1);
    const auto value = [&](int index) {
      DeviceBuffer buffer(layers.network().shape(index).size() * layers.value_bytes(index));
      check_cuda(cudaMemset(buffer.data(), 0, buffer.size()), "clearing");
      return buffer;
    };
    const DeviceBuffer input = value(layers.network().layers[large.first_layer()].input);
    const DeviceBuffer after_large = value(large.last_layer() + 1);
    const DeviceBuffer after_small = value(small.last_layer() + 1);
    const CudaStream stream;
    CudaGraphs graphs;
    ptx::take_graph_launches();
    for (int i = 0; i < 3; ++i)
      graphs.run(1, stream, [&] {
        check_cuda(large.run(input.data(), after_large.data(), 1, stream), "large");
        check_cuda(small.run(input.data(), after_small.data(), 1, stream), "small");
      });
    EXPECT_EQ(ptx::take_graph_launches(), 2);
    stream.synchronize();
  }
  ptx::use_device({});
}

}  // namespace
}  // namespace backdrop
