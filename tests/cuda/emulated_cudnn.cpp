// The emulated runtime's cuDNN: plain loops over images, in fp32.
#include <array>
#include <atomic>
#include <memory>

#include "kernels/cudnn_cuda.h"
#include "tests/cuda/emulated_cuda.h"
#include "tests/cuda/emulated_runtime.h"

namespace backdrop::test {
namespace {

std::atomic<bool> has_cudnn = false;
std::atomic<bool> cudnn_refuses = false;

}  // namespace

void offer_cudnn(bool offered, bool refuses) {
  has_cudnn = offered;
  cudnn_refuses = refuses;
}

}  // namespace backdrop::test

namespace backdrop::kernels {
namespace {

void convolve_images(const ConvolutionShape& s, int batch, const void* input, const void* weights,
                     void* output) {
  test::pass_quarter_milliseconds(2);
  const int channels = s.channels / s.groups;
  const int columns = s.out_channels / s.groups;
  const auto* from = static_cast<const float*>(input);
  auto* to = static_cast<float*>(output);
  for (int n = 0; n < batch; ++n, from += std::size_t(s.height) * s.width * s.channels)
    for (int y = 0; y < s.out_height(); ++y)
      for (int x = 0; x < s.out_width(); ++x)
        for (int k = 0; k < s.out_channels; ++k, ++to) {
          const auto* weight =
              static_cast<const float*>(weights) + std::size_t(k) * s.kernel * s.kernel * channels;
          *to = 0;
          for (int tap = 0; tap < s.kernel * s.kernel; ++tap, weight += channels) {
            const int v = y * s.stride - s.padding + tap / s.kernel;
            const int u = x * s.stride - s.padding + tap % s.kernel;
            if (v < 0 || v >= s.height || u < 0 || u >= s.width) continue;
            const float* pixel = from + (std::size_t(v) * s.width + u) * s.channels + k / columns * channels;
            for (int c = 0; c < channels; ++c) *to += pixel[c] * weight[c];
          }
        }
}

}  // namespace

struct Cudnn::State {
  cudaStream_t stream = nullptr;
};
Cudnn::Cudnn(std::unique_ptr<State> state) : state_(std::move(state)) {}
Cudnn::~Cudnn() = default;
std::shared_ptr<Cudnn> Cudnn::open(cudaStream_t stream, std::string& reason) {
  if (test::has_cudnn) return std::shared_ptr<Cudnn>(new Cudnn(std::make_unique<State>(State{stream})));
  reason = "emulated";
  return nullptr;
}
std::string Cudnn::version() const {
  return "9.0.0";
}

struct CudnnConvolution::State {
  cudaStream_t stream = nullptr;
  ConvolutionShape shape;
  int batch = 0;
  CudnnAlgorithm algorithm;
  bool usable = false;
};
CudnnConvolution::CudnnConvolution(std::shared_ptr<Cudnn> cudnn, const ConvolutionShape& shape, int batch,
                                   Precision precision, const void*, const void*, void*, void*, std::size_t)
    : state_(new State{cudnn->state_->stream, shape, batch, {1, 3}, precision == Precision::fp32}) {
  test::count_timing();
}
CudnnConvolution::CudnnConvolution(std::shared_ptr<Cudnn> cudnn, const ConvolutionShape& shape, int batch,
                                   Precision precision, const CudnnAlgorithm& algorithm, std::size_t)
    : state_(new State{cudnn->state_->stream, shape, batch, algorithm,
                       precision == Precision::fp32 && algorithm.number < 4 && algorithm.math == 3 &&
                           !test::cudnn_refuses}) {}
CudnnConvolution::~CudnnConvolution() = default;
bool CudnnConvolution::usable() const {
  return state_->usable;
}
CudnnAlgorithm CudnnConvolution::algorithm() const {
  return state_->algorithm;
}
bool CudnnConvolution::run(const void* input, const void* weights, void* output, void*) const {
  const std::array<const void*, 3> arguments{input, weights, output};
  return test::launch(arguments, state_->stream, [=, shape = state_->shape, batch = state_->batch] {
           convolve_images(shape, batch, input, weights, output);
         }) == cudaSuccess;
}

}  // namespace backdrop::kernels
