// In place of the GPU engine in a build without CUDA.
#include <string>

#include "backdrop/error.h"
#include "engine/device_list.h"
#include "engine/engine.h"
#include "engine/machine_peak.h"

namespace backdrop {
namespace {

constexpr const char* kReason = "this build has no CUDA support";

}  // namespace

std::vector<int> find_gpus(const std::vector<int>&) {
  throw Error(ErrorCode::no_device, std::string(kReason) + ": use --device cpu");
}

std::vector<DeviceDescription> describe_gpus() {
  return {{.device = "cuda", .trouble = kReason}};
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
