// In place of the GPU engine in a build without CUDA.
#include "backdrop/error.h"
#include "engine/engine.h"
#include "engine/machine_peak.h"

namespace backdrop {

std::vector<int> find_gpus(const std::vector<int>&) {
  throw Error(ErrorCode::no_device, "this build has no CUDA support: use --device cpu");
}

std::unique_ptr<Engine> make_cuda_engine(std::shared_ptr<const Network>, const ClassMap&,
                                         const EngineOptions& options) {
  find_gpus(options.gpus);
  return nullptr;
}

MachinePeak measure_cuda_peak(int device, const GpuWays&) {
  find_gpus({device});
  return {};
}

std::string cuda_build() {
  return "not built";
}

}  // namespace backdrop
