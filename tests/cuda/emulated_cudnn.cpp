// The emulated runtime's cuDNN: plain loops over images, in fp32.
#include <atomic>
#include <memory>

#include "kernels/cudnn_cuda.h"
#include "tests/cuda/emulated_cuda.h"
#include "tests/cuda/emulated_runtime.h"

namespace backdrop::test {
namespace {

std::atomic<bool> has_cudnn = false;
std::atomic<bool> cudnn_refuses = false;
std::atomic<bool> cudnn_is_broken = false;
std::atomic<int> cudnn_runs = 0;
std::atomic<int> cudnn_questions = 0;

// What cuDNN refuses, a call of its own to CUDA may have failed for.
bool refused() {
  noted(cudaErrorInvalidValue);
  return false;
}

}  // namespace

void offer_cudnn(bool offered, bool refuses) {
  has_cudnn = offered;
  cudnn_refuses = refuses;
}

void break_cudnn(bool broken) {
  cudnn_is_broken = broken;
}

int take_cudnn_runs() {
  return cudnn_runs.exchange(0);
}

int take_cudnn_questions() {
  return cudnn_questions.exchange(0);
}

}  // namespace backdrop::test

namespace backdrop::kernels {
namespace {

constexpr int kWays = 3;  // the first one takes five times our kernel's time, the others half of it

void convolve_images(const CudnnFusion& fusion, const CudnnBuffers& buffers) {
  const ConvolutionShape& s = fusion.shape;
  const int channels = s.channels / s.groups;
  const int columns = s.out_channels / s.groups;
  const auto* from = static_cast<const float*>(buffers.input);
  const auto* residual = static_cast<const float*>(buffers.residual);
  const auto* bias = static_cast<const float*>(buffers.bias);
  auto* to = static_cast<float*>(buffers.output);
  for (int n = 0; n < fusion.batch; ++n, from += std::size_t(s.height) * s.width * s.channels)
    for (int y = 0; y < s.out_height(); ++y)
      for (int x = 0; x < s.out_width(); ++x)
        for (int k = 0; k < s.out_channels; ++k, ++to) {
          const auto* weight =
              static_cast<const float*>(buffers.weights) + std::size_t(k) * s.kernel * s.kernel * channels;
          float sum = test::cudnn_is_broken ? 0.0f : bias[k];
          for (int tap = 0; tap < s.kernel * s.kernel; ++tap, weight += channels) {
            const int v = y * s.stride - s.padding + tap / s.kernel;
            const int u = x * s.stride - s.padding + tap % s.kernel;
            if (v < 0 || v >= s.height || u < 0 || u >= s.width) continue;
            const float* pixel = from + (std::size_t(v) * s.width + u) * s.channels + k / columns * channels;
            for (int c = 0; c < channels; ++c) sum += pixel[c] * weight[c];
          }
          if (fusion.residual) sum += *residual++;
          *to = activate(sum, s.slope);
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
  test::refused();
  return nullptr;
}
std::string Cudnn::version() const {
  return "9.0.0";
}

struct CudnnConvolution::State {
  cudaStream_t stream = nullptr;
  CudnnFusion fusion;
  CudnnBuffers buffers;
};
CudnnConvolution::CudnnConvolution(int way, std::unique_ptr<State> state)
    : way_(way), state_(std::move(state)) {}
CudnnConvolution::~CudnnConvolution() = default;
bool CudnnConvolution::run() const {
  if (test::cudnn_refuses && way_ == 1) return test::refused();
  return test::launch(state_->buffers, state_->stream,
                      [fusion = state_->fusion, buffers = state_->buffers, way = way_] {
                        ++test::cudnn_runs;
                        test::pass_quarter_milliseconds(way == 0 ? 20 : 2);
                        convolve_images(fusion, buffers);
                      }) == cudaSuccess;
}

struct CudnnWays::State {
  std::shared_ptr<Cudnn> cudnn;
  CudnnFusion fusion;
};
CudnnWays::CudnnWays(std::shared_ptr<Cudnn> cudnn, const CudnnFusion& fusion)
    : state_(new State{std::move(cudnn), fusion}) {
  ++test::cudnn_questions;
  if (count() == 0 || test::cudnn_refuses) test::refused();
}
CudnnWays::~CudnnWays() = default;
int CudnnWays::count() const {
  return state_->fusion.precision == Precision::fp32 ? kWays : 0;
}
std::unique_ptr<CudnnConvolution> CudnnWays::take(int way, const CudnnBuffers& buffers) const {
  if (way < 0 || way >= count()) {
    test::refused();
    return nullptr;
  }
  return std::unique_ptr<CudnnConvolution>(
      new CudnnConvolution(way, std::make_unique<CudnnConvolution::State>(CudnnConvolution::State{
                                    state_->cudnn->state_->stream, state_->fusion, buffers})));
}

}  // namespace backdrop::kernels
