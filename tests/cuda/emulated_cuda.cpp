#include "tests/cuda/emulated_cuda.h"

#include <cuda_profiler_api.h>
#include <cuda_runtime_api.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <utility>

#include "kernels/bottleneck_cuda.h"
#include "kernels/composite_cuda.h"
#include "kernels/cudnn_cuda.h"
#include "kernels/decide_cuda.h"
#include "kernels/epilogue_cuda.h"
#include "kernels/position_convolution_cuda.h"
#include "kernels/position_pool_cuda.h"
#include "tests/cuda/emulated_bottleneck.h"
#include "tests/cuda/emulated_tile.h"
#include "tests/cuda/host_elements.h"
#include "tests/cuda/host_halves.h"

namespace backdrop::test {
namespace {

std::size_t limit = std::size_t{1} << 30;
std::size_t in_use = 0;
bool present = true;
int capability = 90;
int half_milliseconds = 0;
bool has_shared_memory = true;
bool warpgroups_are_broken = false;
std::map<void*, std::size_t> blocks;
GraphTrouble trouble = GraphTrouble::none;
int graph_launches = 0;
int graphs = 0;

using Work = std::vector<std::function<void()>>;
std::unique_ptr<Work> captured;  // while a stream is captured
bool capture_is_broken = false;

// What a stream is given.
cudaError_t enqueue(std::function<void()> work) {
  if (captured)
    captured->push_back(std::move(work));
  else
    work();
  return cudaSuccess;
}

// What would have to wait for a captured stream, or touch what its kernels use.
cudaError_t at_once() {
  if (!captured) return cudaSuccess;
  capture_is_broken = true;
  return cudaErrorStreamCaptureUnsupported;
}
bool has_cudnn = false;
bool cudnn_refuses = false;
int timings = 0;
int composites = 0;  // decided since the profiler's calls were taken
std::vector<std::string> profiler_calls;

// Calls `body` with the host's elements of a precision.
template <class Body>
void with_elements(Precision precision, const Body& body) {
  if (precision == Precision::fp16)
    body(HostHalves());
  else if (precision == Precision::bf16)
    body(HostBfloat16s());
  else
    body(HostFloats());
}

// By warpgroups or by warps, as the arguments say.
template <class Operands>
void emulate_products(kernels::ConvolutionArguments arguments) {
  if (arguments.warpgroups && warpgroups_are_broken) --arguments.window;
  if (arguments.warpgroups)
    emulate<EmulatedWarpgroupMath<Operands, 64>>(arguments);
  else
    emulate<EmulatedMatrixMath<Operands, 64>>(arguments);
}

}  // namespace

void limit_device_memory(std::size_t bytes) {
  limit = bytes;
}

std::size_t device_memory_in_use() {
  return in_use;
}

void show_device(bool is_present, int compute_capability) {
  present = is_present;
  capability = compute_capability;
}

void allow_bottlenecks(bool allowed) {
  has_shared_memory = allowed;
}

void break_warpgroups(bool broken) {
  warpgroups_are_broken = broken;
}

void trouble_graphs(GraphTrouble what) {
  trouble = what;
}

int take_graph_launches() {
  return std::exchange(graph_launches, 0);
}

int graphs_in_use() {
  return graphs;
}

void offer_cudnn(bool offered, bool refuses) {
  has_cudnn = offered;
  cudnn_refuses = refuses;
}

int take_timings() {
  return std::exchange(timings, 0);
}

std::vector<std::string> take_profiler_calls() {
  composites = 0;
  return std::exchange(profiler_calls, {});
}

void pass_time(int convolutions) {
  half_milliseconds += 2 * convolutions;
}

}  // namespace backdrop::test

namespace test = backdrop::test;

extern "C" {

cudaError_t cudaMalloc(void** data, std::size_t bytes) {
  if (test::at_once() != cudaSuccess) return cudaErrorStreamCaptureUnsupported;
  if (test::in_use + bytes > test::limit) return cudaErrorMemoryAllocation;
  *data = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
  std::memset(*data, 0xff, bytes);  // not numbers
  test::in_use += bytes;
  test::blocks[*data] = bytes;
  return cudaSuccess;
}
cudaError_t cudaFree(void* data) {
  test::in_use -= test::blocks[data];
  test::blocks.erase(data);
  std::free(data);
  return cudaSuccess;
}
cudaError_t cudaHostAlloc(void** data, std::size_t bytes, unsigned int) {
  *data = std::malloc(bytes);
  return cudaSuccess;
}
cudaError_t cudaFreeHost(void* data) {
  std::free(data);
  return cudaSuccess;
}
cudaError_t cudaMemGetInfo(std::size_t* free_bytes, std::size_t* total) {
  *free_bytes = test::limit - test::in_use;
  *total = test::limit;
  return cudaSuccess;
}
cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind) {
  if (test::at_once() != cudaSuccess) return cudaErrorStreamCaptureUnsupported;
  std::memcpy(to, from, bytes);
  return cudaSuccess;
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind, cudaStream_t) {
  return test::enqueue([=] { std::memcpy(to, from, bytes); });
}
cudaError_t cudaMemset(void* to, int value, std::size_t bytes) {
  std::memset(to, value, bytes);
  return cudaSuccess;
}
cudaError_t cudaMemsetAsync(void* to, int value, std::size_t bytes, cudaStream_t) {
  return test::enqueue([=] { std::memset(to, value, bytes); });
}
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned int) {
  *stream = nullptr;
  return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t) {
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t) {
  return test::at_once();
}
cudaError_t cudaStreamBeginCapture(cudaStream_t, cudaStreamCaptureMode) {
  if (test::trouble == test::GraphTrouble::at_begin) return cudaErrorStreamCaptureUnsupported;
  test::captured = std::make_unique<test::Work>();
  test::capture_is_broken = test::trouble == test::GraphTrouble::at_capture;
  return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t, cudaGraph_t* graph) {
  auto work = std::exchange(test::captured, nullptr);
  *graph = nullptr;
  if (test::capture_is_broken) return cudaErrorStreamCaptureInvalidated;
  ++test::graphs;
  *graph = reinterpret_cast<cudaGraph_t>(work.release());
  return cudaSuccess;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph, unsigned long long) {
  if (test::trouble == test::GraphTrouble::at_instantiation) return cudaErrorNotSupported;
  ++test::graphs;
  *executable =
      reinterpret_cast<cudaGraphExec_t>(new test::Work(*reinterpret_cast<const test::Work*>(graph)));
  return cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t) {
  if (test::trouble == test::GraphTrouble::at_launch) return cudaErrorNotSupported;
  ++test::graph_launches;
  for (const auto& work : *reinterpret_cast<const test::Work*>(executable)) work();
  return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  --test::graphs;
  delete reinterpret_cast<test::Work*>(graph);
  return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  --test::graphs;
  delete reinterpret_cast<test::Work*>(executable);
  return cudaSuccess;
}
cudaError_t cudaStreamWaitEvent(cudaStream_t, cudaEvent_t, unsigned int) {
  return cudaSuccess;
}
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned int) {
  *event = reinterpret_cast<cudaEvent_t>(new int(0));
  return cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete reinterpret_cast<int*>(event);
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t) {
  *reinterpret_cast<int*>(event) = test::half_milliseconds;
  return cudaSuccess;
}
cudaError_t cudaEventSynchronize(cudaEvent_t) {
  return cudaSuccess;
}
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t end) {
  ++test::timings;
  const int passed = *reinterpret_cast<int*>(end) - *reinterpret_cast<int*>(start);
  *milliseconds = 0.5f * static_cast<float>(passed);
  return cudaSuccess;
}
cudaError_t cudaProfilerStart() {
  test::profiler_calls.push_back("start " + std::to_string(test::composites));
  return cudaSuccess;
}
cudaError_t cudaProfilerStop() {
  test::profiler_calls.push_back("stop " + std::to_string(test::composites));
  return cudaSuccess;
}
cudaError_t cudaGetDevice(int* device) {
  *device = 0;
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int) {
  return cudaSuccess;
}
cudaError_t cudaGetLastError() {
  return cudaSuccess;
}
const char* cudaGetErrorString(cudaError_t) {
  return "an emulated error";
}
cudaError_t cudaDriverGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}
cudaError_t cudaGetDeviceCount(int* count) {
  *count = test::present ? 1 : 0;
  return test::present ? cudaSuccess : cudaErrorNoDevice;
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
  std::memset(properties, 0, sizeof(*properties));
  std::strcpy(properties->name, "emulated GPU");
  properties->major = test::capability / 10;
  properties->minor = test::capability % 10;
  return cudaSuccess;
}

}  // extern "C"

namespace backdrop::kernels {

namespace {

void convolve(Precision precision, const ConvolutionArguments& arguments) {
  test::half_milliseconds += arguments.warpgroups ? 1 : 2;
  if (arguments.work.positions == 0) return;
  switch (precision) {
    case Precision::int8:
      test::emulate_products<test::Int8Operands>(arguments);
      break;
    case Precision::fp8:
      test::emulate_products<test::Fp8Operands>(arguments);
      break;
    case Precision::fp16:
      test::emulate_products<test::FloatOperands<test::HostHalves>>(arguments);
      break;
    case Precision::bf16:
      test::emulate_products<test::FloatOperands<test::HostBfloat16s>>(arguments);
      break;
    case Precision::int16:  // the CPU's alone
    case Precision::fp32:
    case Precision::tf32:
      test::emulate<test::EmulatedScalarMath<test::HostFloats>>(arguments);
      break;
  }
}

void pool(Precision precision, const PoolArguments& arguments) {
  if (precision == Precision::int8) {
    for (std::int64_t piece = 0; piece < pool_pieces(arguments); ++piece) pool_int8_piece(arguments, piece);
    return;
  }
  if (precision == Precision::fp8) {
    for (std::int64_t piece = 0; piece < pool_pieces(arguments); ++piece) pool_fp8_piece(arguments, piece);
    return;
  }
  test::with_elements(precision, [&](auto traits) {
    for (std::int64_t piece = 0; piece < pool_pieces(arguments); ++piece)
      pool_piece<decltype(traits)>(arguments, piece);
  });
}

void composite(Precision precision, const CompositeArguments& a) {
  const int channels = chunk_elements(precision);
  if (needs_calibration(precision)) {
    for (int n = 0; n < a.composites; ++n)
      for (int p = 0; p < a.pixels; ++p) {
        const std::uint32_t words[4] = {composite_word(a, n, p), 0, 0, 0};
        std::memcpy(static_cast<std::uint32_t*>(a.output) + 4 * composite_place(a, n, p), words, 16);
      }
    return;
  }
  test::with_elements(precision, [&](auto traits) {
    using Element = typename decltype(traits)::Element;
    for (int n = 0; n < a.composites; ++n)
      for (int p = 0; p < a.pixels; ++p) {
        const std::uint8_t* source = composite_source(a, n, p);
        auto* to = static_cast<Element*>(a.output) + composite_place(a, n, p) * channels;
        for (int c = 0; c < channels; ++c)
          to[c] = decltype(traits)::from_float(c < 3 ? a.table[256 * c + source[c]] : 0.0f);
      }
  });
}

void convolve_images(const ConvolutionShape& s, int batch, const void* input, const void* weights,
                     void* output) {
  test::half_milliseconds += 1;
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

cudaError_t position_convolution_cuda(Precision precision, const ConvolutionArguments& arguments,
                                      cudaStream_t) {
  if (arguments.work.positions != 0 &&
      (arguments.window > tile::kMaxWindow || arguments.group_channels % chunk_elements(precision) != 0 ||
       arguments.group_columns % tile::kPieceColumns != 0 ||
       (arguments.warpgroups && !has_warpgroup_products(precision))))
    return cudaErrorInvalidValue;
  return test::enqueue([=] { convolve(precision, arguments); });
}

bool has_warpgroup_products(Precision precision) {
  return test::capability == 90 && precision != Precision::fp32 && precision != Precision::tf32;
}

cudaError_t bottleneck_cuda(Precision precision, const BottleneckArguments& arguments, cudaStream_t) {
  if (!test::has_shared_memory || !bottleneck::can_run(precision, arguments)) return cudaErrorInvalidValue;
  return test::enqueue([=] {
    test::half_milliseconds += 2;
    if (precision == Precision::int8)
      test::emulate_bottleneck<test::Int8Operands, bottleneck::Int8Arithmetic>(arguments);
    else
      test::emulate_bottleneck<test::FloatOperands<test::HostHalves>,
                               bottleneck::FloatArithmetic<test::HostHalves>>(arguments);
  });
}

cudaError_t position_pool_cuda(Precision precision, const PoolArguments& arguments, cudaStream_t) {
  return test::enqueue([=] { pool(precision, arguments); });
}

cudaError_t composite_cuda(Precision precision, const CompositeArguments& arguments, cudaStream_t) {
  return test::enqueue([=] { composite(precision, arguments); });
}

cudaError_t decide_cuda(const DecideArguments& a, cudaStream_t) {
  return test::enqueue([=] {
    test::composites += a.composites;
    for (int n = 0; n < a.composites; ++n) {
      PartialDecision partial;
      for (int c = 0; c < a.classes; ++c)
        partial =
            merge(partial, one_logit(a.logits[std::int64_t{n} * a.stride + c], c, a.in9[c] == a.labels[n]));
      a.decisions[n] = finish_decision(partial);
    }
  });
}

cudaError_t epilogue_cuda(Precision precision, const EpilogueArguments& a, cudaStream_t) {
  if (precision != Precision::fp32) return cudaErrorInvalidValue;
  return test::enqueue([=] {
    auto* output = static_cast<float*>(a.output);
    for (std::int64_t i = 0; i < a.positions * a.channels; ++i) {
      float sum = output[i] + a.bias[i % a.channels];
      if (a.residual != nullptr) sum += static_cast<const float*>(a.residual)[i];
      output[i] = sum < 0 ? a.slope * sum : sum;
    }
  });
}

struct Cudnn::State {};
Cudnn::Cudnn(std::unique_ptr<State> state) : state_(std::move(state)) {}
Cudnn::~Cudnn() = default;
std::shared_ptr<Cudnn> Cudnn::open(cudaStream_t, std::string& reason) {
  if (test::has_cudnn) return std::shared_ptr<Cudnn>(new Cudnn(std::make_unique<State>()));
  reason = "emulated";
  return nullptr;
}
std::string Cudnn::version() const {
  return "9.0.0";
}

struct CudnnConvolution::State {
  ConvolutionShape shape;
  int batch = 0;
  CudnnAlgorithm algorithm;
  bool usable = false;
};
CudnnConvolution::CudnnConvolution(std::shared_ptr<Cudnn>, const ConvolutionShape& shape, int batch,
                                   Precision precision, const void*, const void*, void*, void*, std::size_t)
    : state_(new State{shape, batch, {1, 3}, precision == Precision::fp32}) {
  ++test::timings;
}
CudnnConvolution::CudnnConvolution(std::shared_ptr<Cudnn>, const ConvolutionShape& shape, int batch,
                                   Precision precision, const CudnnAlgorithm& algorithm, std::size_t)
    : state_(new State{shape, batch, algorithm,
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
  const ConvolutionShape shape = state_->shape;
  const int batch = state_->batch;
  return test::enqueue([=] { convolve_images(shape, batch, input, weights, output); }) == cudaSuccess;
}

}  // namespace backdrop::kernels
