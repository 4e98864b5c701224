// The GPUs that somebody asks for, and their engine: one's own, or several joined (engine/several_engines.h).
#include <cuda_runtime_api.h>
#include <fmt/format.h>

#include <numeric>

#include "core/parallel.h"
#include "engine/cuda_device.h"
#include "engine/cuda_engine.h"
#include "engine/fastest_engine.h"

namespace backdrop {
namespace {

std::vector<int> gpus_asked_for(std::vector<int> indices) {
  if (!indices.empty()) return indices;
  indices.resize(static_cast<std::size_t>(count_cuda_devices()));
  std::iota(indices.begin(), indices.end(), 0);
  return indices;
}

}  // namespace

std::unique_ptr<Engine> make_cuda_engine(std::shared_ptr<const Network> network, const ClassMap& map,
                                         const EngineOptions& options) {
  if (options.choose_precision)
    return make_fastest_engine({Precision::fp16, Precision::int8, Precision::fp32}, [=](Precision precision) {
      EngineOptions chosen = options;
      chosen.choose_precision = false;
      chosen.precision = precision;
      return make_cuda_engine(network, map, chosen);
    });
  EngineOptions first = options;
  first.gpus = gpus_asked_for(options.gpus);
  const std::vector<int>& gpus = first.gpus;
  if (gpus.size() == 1) return make_one_cuda_engine(std::move(network), map, first, gpus.front());
  // There is one profiler for all of them.
  EngineOptions others = first;
  others.profile_window = {};
  std::vector<std::unique_ptr<PeerEngine>> engines(gpus.size());
  ThreadPool pool(static_cast<int>(gpus.size()));
  pool.run(gpus.size(), [&](std::size_t i, int) {
    engines[i] = make_one_cuda_engine(network, map, i == 0 ? first : others, gpus[i]);
  });
  return join_engines(std::move(engines), needs_calibration(options.precision) && !options.calibration);
}

std::vector<int> find_gpus(const std::vector<int>& asked) {
  const std::vector<int> gpus = gpus_asked_for(asked);
  for (const int gpu : gpus) open_cuda_device(gpu);
  return gpus;
}

std::string cuda_build() {
  return fmt::format("{}.{}, cuDNN loaded when needed, {}", CUDART_VERSION / 1000, CUDART_VERSION % 1000 / 10,
                     BACKDROP_CUDA_ARCHITECTURES);
}

}  // namespace backdrop
