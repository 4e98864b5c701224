// cuDNN's fused convolutions as whole images take them: its first ways against the plain loops, alone and in
// a CUDA graph.
#include "kernels/cudnn_cuda.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>

#include "engine/cuda_stream.h"
#include "engine/padded_network.h"
#include "kernels/dense.h"
#include "tests/conformance/device_values.h"
#include "tests/cuda/host_elements.h"
#include "tests/cuda/host_halves.h"

namespace backdrop {
namespace {

using kernels::ConvolutionShape;

constexpr int kBatch = 5;
constexpr int kMostWays = 12;  // the engine asks for no more; each loads a kernel
constexpr std::size_t kWorkspaceBytes = std::size_t{64} << 20;

constexpr ConvolutionShape kShapes[] = {
    {14, 14, 64, 128, 3, 1, 1, 1, 0.0f},  {14, 14, 128, 64, 1, 1, 0, 1, 1.0f},
    {15, 15, 64, 256, 1, 2, 0, 1, 0.0f},  {28, 28, 64, 72, 3, 2, 1, 1, 0.0f},
    {14, 14, 128, 128, 3, 1, 1, 2, 0.0f}, {33, 33, kPixelChannels, 64, 7, 2, 3, 1, 0.0f},
};

class CudnnKernels : public testing::TestWithParam<Precision> {
 protected:
  void SetUp() override {
    test::require_gpu();
    if (IsSkipped()) return;
    if (test::gpu_without().has(GpuWay::cudnn)) GTEST_SKIP() << "without cuDNN";
    std::string reason;
    cudnn = kernels::Cudnn::open(stream.emplace(), reason);
    if (!cudnn) GTEST_SKIP() << reason;
  }

  float tolerance() const {
    if (GetParam() == Precision::fp32) return 2e-5f;
    return GetParam() == Precision::bf16 ? 8e-3f : 2e-3f;
  }

  // So many random values as they are stored.
  template <class Traits>
  static std::vector<float> stored_values(std::size_t count, std::mt19937& generator) {
    std::vector<float> values = test::random_values(count, generator);
    for (float& value : values) value = Traits::to_float(Traits::from_float(value));
    return values;
  }

  template <class Traits>
  static DeviceBuffer store(const std::vector<float>& values) {
    std::vector<typename Traits::Element> elements;
    for (const float value : values) elements.push_back(Traits::from_float(value));
    return test::to_device(elements);
  }

  // `run` enqueues; every value shall have been written.
  template <class Traits, class Run>
  void expect_output(const std::vector<float>& expected, DeviceBuffer& output, const Run& run) {
    check_cuda(cudaMemsetAsync(output.data(), 0xff, output.size(), *stream), "poison");
    ASSERT_TRUE(run());
    std::vector<typename Traits::Element> elements(expected.size());
    test::from_device(output, elements);
    std::vector<float> actual;
    for (const auto element : elements) actual.push_back(Traits::to_float(element));
    test::expect_close(actual, expected, tolerance());
  }

  template <class Traits>
  void expect_in_graph(const std::vector<float>& expected, DeviceBuffer& output,
                       const kernels::CudnnConvolution& convolution) {
    cudaGraph_t graph = nullptr;
    cudaGraphExec_t executable = nullptr;
    check_cuda(cudaStreamBeginCapture(*stream, cudaStreamCaptureModeThreadLocal), "beginning a capture");
    EXPECT_TRUE(convolution.run());
    check_cuda(cudaStreamEndCapture(*stream, &graph), "ending a capture");
    check_cuda(cudaGraphInstantiate(&executable, graph, 0), "making a graph");
    expect_output<Traits>(expected, output,
                          [&] { return cudaGraphLaunch(executable, *stream) == cudaSuccess; });
    cudaGraphExecDestroy(executable);
    cudaGraphDestroy(graph);
  }

  template <class Traits>
  void compare(const ConvolutionShape& shape, bool with_residual) {
    SCOPED_TRACE(testing::Message() << shape.channels << " to " << shape.out_channels << " channels, window "
                                    << shape.kernel << ", stride " << shape.stride << ", residual "
                                    << with_residual);
    std::mt19937 generator(71);
    const std::size_t outputs =
        std::size_t(kBatch) * shape.out_height() * shape.out_width() * shape.out_channels;
    const auto input =
        stored_values<Traits>(std::size_t(kBatch) * shape.height * shape.width * shape.channels, generator);
    const auto bias = stored_values<Traits>(shape.out_channels, generator);
    const auto residual = stored_values<Traits>(outputs, generator);
    Layer layer;
    layer.kernel = shape.kernel;
    layer.groups = shape.groups;
    layer.in.channels = shape.channels;
    layer.out.channels = shape.out_channels;
    layer.weights = stored_values<Traits>(
        std::size_t(shape.out_channels) * shape.channels / shape.groups * shape.kernel * shape.kernel,
        generator);
    std::vector<float> expected(outputs);
    kernels::convolution_reference(shape, kBatch, input.data(), layer.weights.data(), bias.data(),
                                   with_residual ? residual.data() : nullptr, expected.data());

    const DeviceBuffer device_input = store<Traits>(input), device_bias = store<Traits>(bias),
                       device_residual = store<Traits>(residual),
                       device_weights = store<Traits>(backdrop::device_weights(layer)),
                       workspace(kWorkspaceBytes);
    DeviceBuffer output(outputs * sizeof(typename Traits::Element));
    const kernels::CudnnWays ways(cudnn, {shape, kBatch, GetParam(), with_residual});
    int taken = 0;
    for (int way = 0; way < std::min(kMostWays, ways.count()); ++way) {
      SCOPED_TRACE(testing::Message() << "way " << way << " of " << ways.count());
      const auto convolution =
          ways.take(way, {device_input.data(), device_weights.data(),
                          with_residual ? device_residual.data() : nullptr, device_bias.data(), output.data(),
                          workspace.data(), static_cast<std::int64_t>(workspace.size())});
      if (!convolution || !convolution->run()) continue;
      ++taken;
      expect_output<Traits>(expected, output, [&] { return convolution->run(); });
      expect_in_graph<Traits>(expected, output, *convolution);
      if (HasFatalFailure()) return;
    }
    EXPECT_GT(taken, 0);
  }

  std::optional<CudaStream> stream;
  std::shared_ptr<kernels::Cudnn> cudnn;
};

TEST_P(CudnnKernels, ComputeWhatThePlainLoopsDo) {
  for (const ConvolutionShape& shape : kShapes)
    for (const bool with_residual : {false, true}) {
      if (GetParam() == Precision::fp16)
        compare<test::HostHalves>(shape, with_residual);
      else if (GetParam() == Precision::bf16)
        compare<test::HostBfloat16s>(shape, with_residual);
      else
        compare<test::HostFloats>(shape, with_residual);
    }
}

INSTANTIATE_TEST_SUITE_P(Cuda, CudnnKernels,
                         testing::Values(Precision::fp32, Precision::tf32, Precision::fp16, Precision::bf16),
                         [](const auto& precision) { return std::string(name(precision.param)); });

}  // namespace
}  // namespace backdrop
