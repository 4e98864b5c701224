#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "kernels/cudnn_backend.h"
#include "kernels/cudnn_cuda.h"
#include "kernels/cudnn_fusion_graph.h"

namespace backdrop::kernels {
namespace {

constexpr std::size_t kMostNotes = 16;  // of a kind, that an engine has
constexpr int kFewWays = 12;

// fp32 must not silently become TensorFloat-32. Nothing is known of the notes of later versions.
bool keeps_precision(cudnnBackendNumericalNote_t note, Precision precision) {
  if (note >= CUDNN_NUMERICAL_NOTE_TYPE_COUNT) return false;
  if (note == CUDNN_NUMERICAL_NOTE_TENSOR_CORE) return precision != Precision::fp32;
  return note != CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS &&
         note != CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION &&
         note != CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC;
}

bool may_use(const CudnnFunctions& functions, const CudnnDescriptor& configuration, Precision precision) {
  const CudnnDescriptor engine(functions, CUDNN_BACKEND_ENGINE_DESCRIPTOR);
  std::array read{engine.get()};
  if (configuration.read(CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_TYPE_BACKEND_DESCRIPTOR, read) == 0) return false;
  std::array<cudnnBackendNumericalNote_t, kMostNotes> numerical;
  std::array<cudnnBackendBehaviorNote_t, kMostNotes> behavior;
  const std::size_t numerics =
      engine.read(CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE, numerical);
  const std::size_t behaviors =
      engine.read(CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE, CUDNN_TYPE_BEHAVIOR_NOTE, behavior);
  return std::all_of(numerical.begin(), numerical.begin() + numerics,
                     [&](auto note) { return keeps_precision(note, precision); }) &&
         std::none_of(behavior.begin(), behavior.begin() + behaviors,
                      [](auto note) { return note == CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION; });
}

}  // namespace

struct CudnnConvolution::State {
  std::shared_ptr<Cudnn> cudnn;
  std::shared_ptr<const void> ways;  // what the plan was made from
  CudnnDescriptor plan;
  CudnnDescriptor arguments;
};

CudnnConvolution::CudnnConvolution(int way, std::unique_ptr<State> state)
    : way_(way), state_(std::move(state)) {}
CudnnConvolution::~CudnnConvolution() = default;

bool CudnnConvolution::run() const {
  const Cudnn::State& cudnn = *state_->cudnn->state_;
  return cudnn.functions.execute(cudnn.handle, state_->plan.get(), state_->arguments.get()) ==
         CUDNN_STATUS_SUCCESS;
}

struct CudnnWays::State {
  State(std::shared_ptr<Cudnn> opened, const CudnnFusion& what)
      : cudnn(std::move(opened)),
        fusion(what),
        graph(cudnn->state_->functions, cudnn->state_->handle, fusion) {}

  const CudnnFunctions& functions() const { return cudnn->state_->functions; }
  const CudnnDescriptor* device() const { return cudnn->state_->device.get(); }
  // Adds what a heuristic of cuDNN's proposes.
  void ask(cudnnBackendHeurMode_t mode);

  std::shared_ptr<Cudnn> cudnn;
  CudnnFusion fusion;
  FusionGraph graph;
  std::vector<CudnnDescriptor> configurations;
};

void CudnnWays::State::ask(cudnnBackendHeurMode_t mode) {
  CudnnDescriptor heuristics(functions(), CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
  heuristics.set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph.graph());
  heuristics.set(CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, mode);
#if CUDNN_VERSION >= 90800
  if (device() != nullptr) heuristics.set(CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, *device());
#endif
  heuristics.finalize();
  std::vector<CudnnDescriptor> proposed;
  std::vector<cudnnBackendDescriptor_t> read;
  const std::size_t most = heuristics.count(CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR);
  for (std::size_t i = 0; i < most; ++i) {
    proposed.emplace_back(functions(), CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
    read.push_back(proposed.back().get());
  }
  const std::size_t found =
      heuristics.read(CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR, read);
  for (std::size_t i = 0; i < found; ++i)
    if (may_use(functions(), proposed[i], fusion.precision)) configurations.push_back(std::move(proposed[i]));
}

CudnnWays::CudnnWays(std::shared_ptr<Cudnn> cudnn, const CudnnFusion& fusion)
    : state_(std::make_shared<State>(std::move(cudnn), fusion)) {
  if (fusion.shape.slope != 0.0f && fusion.shape.slope != 1.0f) return;
  state_->ask(CUDNN_HEUR_MODE_A);
  // What always works: often all there is in fp32, and never the fastest where there is more. Asking takes as
  // long again, at each start.
  if (count() < kFewWays) state_->ask(CUDNN_HEUR_MODE_FALLBACK);
}

CudnnWays::~CudnnWays() = default;

int CudnnWays::count() const {
  return static_cast<int>(state_->configurations.size());
}

std::unique_ptr<CudnnConvolution> CudnnWays::take(int way, const CudnnBuffers& buffers) const {
  if (way < 0 || way >= count()) return nullptr;
  const CudnnFunctions& functions = state_->functions();
  CudnnDescriptor plan(functions, CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
  plan.set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, state_->configurations[way]);
  if (state_->device() == nullptr)
    plan.set(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, state_->cudnn->state_->handle);
#if CUDNN_VERSION >= 90800
  else
    plan.set(CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, *state_->device());
#endif
  plan.finalize();
  std::array<std::int64_t, 1> workspace{};
  if (plan.read(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64, workspace) == 0 ||
      workspace[0] > buffers.workspace_bytes)
    return nullptr;

  std::vector<std::int64_t> names{kCudnnInput, kCudnnWeights, kCudnnBias, kCudnnOutput};
  std::vector<const void*> pointers{buffers.input, buffers.weights, buffers.bias, buffers.output};
  if (state_->fusion.residual) {
    names.push_back(kCudnnResidual);
    pointers.push_back(buffers.residual);
  }
  CudnnDescriptor arguments(functions, CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
  arguments.set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, std::span<const std::int64_t>(names));
  arguments.set(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR,
                std::span<const void* const>(pointers));
  arguments.set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, buffers.workspace);
  arguments.finalize();
  if (!arguments.good()) return nullptr;
  return std::unique_ptr<CudnnConvolution>(
      new CudnnConvolution(way, std::make_unique<CudnnConvolution::State>(CudnnConvolution::State{
                                    state_->cudnn, state_, std::move(plan), std::move(arguments)})));
}

}  // namespace backdrop::kernels
