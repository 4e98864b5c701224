#include "kernels/cudnn_cuda.h"

#include <cudnn.h>
#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <utility>

namespace backdrop::kernels {
namespace {

// Found by LD_LIBRARY_PATH where it does not lie in a folder of the system.
constexpr const char* kLibrary = "libcudnn.so.9";
static_assert(CUDNN_MAJOR == 9);

// The functions used, each under its own name and type.
struct Functions {
  decltype(&cudnnGetVersion) get_version = nullptr;
  decltype(&cudnnGetErrorString) get_error_string = nullptr;
  decltype(&cudnnCreate) create = nullptr;
  decltype(&cudnnDestroy) destroy = nullptr;
  decltype(&cudnnSetStream) set_stream = nullptr;
  decltype(&cudnnCreateTensorDescriptor) create_tensor = nullptr;
  decltype(&cudnnDestroyTensorDescriptor) destroy_tensor = nullptr;
  decltype(&cudnnSetTensor4dDescriptor) set_tensor = nullptr;
  decltype(&cudnnCreateFilterDescriptor) create_filter = nullptr;
  decltype(&cudnnDestroyFilterDescriptor) destroy_filter = nullptr;
  decltype(&cudnnSetFilter4dDescriptor) set_filter = nullptr;
  decltype(&cudnnCreateConvolutionDescriptor) create_convolution = nullptr;
  decltype(&cudnnDestroyConvolutionDescriptor) destroy_convolution = nullptr;
  decltype(&cudnnSetConvolution2dDescriptor) set_convolution = nullptr;
  decltype(&cudnnSetConvolutionMathType) set_math = nullptr;
  decltype(&cudnnSetConvolutionGroupCount) set_groups = nullptr;
  decltype(&cudnnFindConvolutionForwardAlgorithmEx) find = nullptr;
  decltype(&cudnnGetConvolutionForwardWorkspaceSize) get_workspace = nullptr;
  decltype(&cudnnConvolutionForward) forward = nullptr;
};

template <class Function>
bool resolve(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  return function != nullptr;
}

bool resolve_all(void* library, Functions& f) {
  return resolve(library, "cudnnGetVersion", f.get_version) &&
         resolve(library, "cudnnGetErrorString", f.get_error_string) &&
         resolve(library, "cudnnCreate", f.create) && resolve(library, "cudnnDestroy", f.destroy) &&
         resolve(library, "cudnnSetStream", f.set_stream) &&
         resolve(library, "cudnnCreateTensorDescriptor", f.create_tensor) &&
         resolve(library, "cudnnDestroyTensorDescriptor", f.destroy_tensor) &&
         resolve(library, "cudnnSetTensor4dDescriptor", f.set_tensor) &&
         resolve(library, "cudnnCreateFilterDescriptor", f.create_filter) &&
         resolve(library, "cudnnDestroyFilterDescriptor", f.destroy_filter) &&
         resolve(library, "cudnnSetFilter4dDescriptor", f.set_filter) &&
         resolve(library, "cudnnCreateConvolutionDescriptor", f.create_convolution) &&
         resolve(library, "cudnnDestroyConvolutionDescriptor", f.destroy_convolution) &&
         resolve(library, "cudnnSetConvolution2dDescriptor", f.set_convolution) &&
         resolve(library, "cudnnSetConvolutionMathType", f.set_math) &&
         resolve(library, "cudnnSetConvolutionGroupCount", f.set_groups) &&
         resolve(library, "cudnnFindConvolutionForwardAlgorithmEx", f.find) &&
         resolve(library, "cudnnGetConvolutionForwardWorkspaceSize", f.get_workspace) &&
         resolve(library, "cudnnConvolutionForward", f.forward);
}

cudnnDataType_t data_type(Precision precision) {
  switch (precision) {
    case Precision::fp16:
      return CUDNN_DATA_HALF;
    case Precision::bf16:
      return CUDNN_DATA_BFLOAT16;
    case Precision::int16:  // the CPU's alone
    case Precision::fp32:
    case Precision::tf32:
    case Precision::int8:  // the engine takes its own kernels
    case Precision::fp8:
      break;
  }
  return CUDNN_DATA_FLOAT;
}

// fp32 must not silently become TensorFloat-32, which cuDNN's default allows.
cudnnMathType_t math_type(Precision precision) {
  return precision == Precision::fp32 ? CUDNN_FMA_MATH : CUDNN_TENSOR_OP_MATH;
}

// Nor may anything be rounded to fewer bits than its precision has.
bool may_use(cudnnMathType_t math, Precision precision) {
  if (precision == Precision::fp32) return math == CUDNN_FMA_MATH;
  return math == CUDNN_DEFAULT_MATH || math == CUDNN_TENSOR_OP_MATH || math == CUDNN_FMA_MATH;
}

}  // namespace

struct Cudnn::State {
  void* library = nullptr;
  Functions functions;
  cudnnHandle_t handle = nullptr;

  ~State() {
    if (handle != nullptr) functions.destroy(handle);
    // The library stays: unloading it while CUDA is shutting down is not safe.
  }
};

Cudnn::Cudnn(std::unique_ptr<State> state) : state_(std::move(state)) {}
Cudnn::~Cudnn() = default;

std::shared_ptr<Cudnn> Cudnn::open(cudaStream_t stream, std::string& reason) {
  auto state = std::make_unique<State>();
  state->library = dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL);
  if (state->library == nullptr) {
    const char* error = dlerror();
    reason = error != nullptr ? error : "cuDNN cannot be loaded";
    return nullptr;
  }
  if (!resolve_all(state->library, state->functions)) {
    reason = "cuDNN lacks a function";
    return nullptr;
  }
  const Functions& f = state->functions;
  cudnnStatus_t status = f.create(&state->handle);
  if (status == CUDNN_STATUS_SUCCESS) status = f.set_stream(state->handle, stream);
  if (status != CUDNN_STATUS_SUCCESS) {
    reason = std::string("cuDNN: ") + f.get_error_string(status);
    return nullptr;
  }
  return std::shared_ptr<Cudnn>(new Cudnn(std::move(state)));
}

std::string Cudnn::version() const {
  const std::size_t number = state_->functions.get_version();
  return std::to_string(number / 10000) + "." + std::to_string(number / 100 % 100) + "." +
         std::to_string(number % 100);
}

struct CudnnConvolution::State {
  std::shared_ptr<Cudnn> cudnn;
  cudnnTensorDescriptor_t input = nullptr;
  cudnnTensorDescriptor_t output = nullptr;
  cudnnFilterDescriptor_t filter = nullptr;
  cudnnConvolutionDescriptor_t convolution = nullptr;
  cudnnConvolutionFwdAlgo_t algorithm = CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM;
  cudnnMathType_t math = CUDNN_DEFAULT_MATH;
  std::size_t workspace_bytes = 0;
  bool usable = false;

  const Functions& functions() const { return cudnn->state_->functions; }

  ~State() {
    const Functions& f = functions();
    if (input != nullptr) f.destroy_tensor(input);
    if (output != nullptr) f.destroy_tensor(output);
    if (filter != nullptr) f.destroy_filter(filter);
    if (convolution != nullptr) f.destroy_convolution(convolution);
  }

  bool describe(const ConvolutionShape& s, int batch, Precision precision) {
    const Functions& f = functions();
    const cudnnDataType_t type = data_type(precision);
    const auto fine = [](cudnnStatus_t status) { return status == CUDNN_STATUS_SUCCESS; };
    return fine(f.create_tensor(&input)) && fine(f.create_tensor(&output)) &&
           fine(f.create_filter(&filter)) && fine(f.create_convolution(&convolution)) &&
           fine(f.set_tensor(input, CUDNN_TENSOR_NHWC, type, batch, s.channels, s.height, s.width)) &&
           fine(f.set_tensor(output, CUDNN_TENSOR_NHWC, type, batch, s.out_channels, s.out_height(),
                             s.out_width())) &&
           fine(f.set_filter(filter, type, CUDNN_TENSOR_NHWC, s.out_channels, s.channels / s.groups, s.kernel,
                             s.kernel)) &&
           fine(f.set_convolution(convolution, s.padding, s.padding, s.stride, s.stride, 1, 1,
                                  CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT)) &&
           fine(f.set_groups(convolution, s.groups)) && fine(f.set_math(convolution, math_type(precision)));
  }
};

CudnnConvolution::CudnnConvolution(std::shared_ptr<Cudnn> cudnn, const ConvolutionShape& shape, int batch,
                                   Precision precision, const void* input, const void* weights, void* output,
                                   void* workspace, std::size_t workspace_bytes)
    : state_(std::make_unique<State>()) {
  State& s = *state_;
  s.cudnn = std::move(cudnn);
  if (!s.describe(shape, batch, precision)) return;
  std::array<cudnnConvolutionFwdAlgoPerf_t, CUDNN_CONVOLUTION_FWD_ALGO_COUNT> found = {};
  int count = 0;
  const cudnnStatus_t status = s.functions().find(
      s.cudnn->state_->handle, s.input, input, s.filter, weights, s.convolution, s.output, output,
      static_cast<int>(found.size()), &count, found.data(), workspace, workspace_bytes);
  if (status != CUDNN_STATUS_SUCCESS) return;
  for (int i = 0; i < count; ++i) {  // fastest first
    if (found[i].status != CUDNN_STATUS_SUCCESS || !may_use(found[i].mathType, precision) ||
        found[i].memory > workspace_bytes)
      continue;
    s.algorithm = found[i].algo;
    s.math = found[i].mathType;
    s.workspace_bytes = found[i].memory;
    s.usable = s.functions().set_math(s.convolution, s.math) == CUDNN_STATUS_SUCCESS;
    return;
  }
}

CudnnConvolution::CudnnConvolution(std::shared_ptr<Cudnn> cudnn, const ConvolutionShape& shape, int batch,
                                   Precision precision, const CudnnAlgorithm& algorithm,
                                   std::size_t workspace_bytes)
    : state_(std::make_unique<State>()) {
  State& s = *state_;
  s.cudnn = std::move(cudnn);
  if (algorithm.number < 0 || algorithm.number >= CUDNN_CONVOLUTION_FWD_ALGO_COUNT || algorithm.math < 0 ||
      algorithm.math > CUDNN_FMA_MATH)
    return;
  s.algorithm = static_cast<cudnnConvolutionFwdAlgo_t>(algorithm.number);
  s.math = static_cast<cudnnMathType_t>(algorithm.math);
  s.usable = may_use(s.math, precision) && s.describe(shape, batch, precision) &&
             s.functions().set_math(s.convolution, s.math) == CUDNN_STATUS_SUCCESS &&
             s.functions().get_workspace(s.cudnn->state_->handle, s.input, s.filter, s.convolution, s.output,
                                         s.algorithm, &s.workspace_bytes) == CUDNN_STATUS_SUCCESS &&
             s.workspace_bytes <= workspace_bytes;
}

CudnnConvolution::~CudnnConvolution() = default;

bool CudnnConvolution::usable() const {
  return state_->usable;
}

CudnnAlgorithm CudnnConvolution::algorithm() const {
  return {state_->algorithm, state_->math};
}

bool CudnnConvolution::run(const void* input, const void* weights, void* output, void* workspace) const {
  const State& s = *state_;
  const float one = 1.0f;
  const float zero = 0.0f;
  return s.functions().forward(s.cudnn->state_->handle, &one, s.input, input, s.filter, weights,
                               s.convolution, s.algorithm, workspace, s.workspace_bytes, &zero, s.output,
                               output) == CUDNN_STATUS_SUCCESS;
}

}  // namespace backdrop::kernels
