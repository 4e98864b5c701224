#include "bench/suites/suite.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "cli/version.h"
#include "core/parallel.h"

namespace backdrop::suite {
namespace {

bool any_refused = false;

/// What follows the colon of the first line of a file that starts with `key`; "none" without such a line.
std::string entry(const std::filesystem::path& file, const std::string& key) {
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(key) && line.find(':') != std::string::npos) {
      const std::size_t start = line.find_first_not_of(" \t", line.find(':') + 1);
      return start == std::string::npos ? "none" : line.substr(start);
    }
  return "none";
}

std::string gpu() {
  std::error_code none;
  for (const auto& device : std::filesystem::directory_iterator("/proc/driver/nvidia/gpus", none))
    return entry(device.path() / "information", "Model");
  return "none";
}

/// As the engine does, at run time; "none" where the library is missing.
std::string cudnn() {
  void* library = dlopen("libcudnn.so.9", RTLD_LAZY | RTLD_LOCAL);
  if (library == nullptr) return "none";
  using Version = std::size_t (*)();
  const auto version = reinterpret_cast<Version>(dlsym(library, "cudnnGetVersion"));
  return version == nullptr ? "unknown" : std::to_string(version());
}

}  // namespace

std::vector<float> random_values(std::size_t count, std::mt19937& generator) {
  std::uniform_real_distribution<float> uniform(-1.0f, 1.0f);
  std::vector<float> values(count);
  for (float& value : values) value = uniform(generator);
  return values;
}

void refuse(benchmark::State& state, const char* why) {
  any_refused = true;
  state.SkipWithError(why);
}

bool check(benchmark::State& state, std::span<const float> actual, std::span<const float> expected,
           float tolerance) {
  float largest = 1e-6f;
  for (const float value : expected) largest = std::max(largest, std::abs(value));
  for (std::size_t i = 0; i < expected.size(); ++i)
    if (!(std::abs(actual[i] - expected[i]) <= tolerance * largest)) {
      refuse(state, "the answer differs from the reference's: nothing to time");
      return false;
    }
  return true;
}

void count_multiply_adds(benchmark::State& state, double multiply_adds, const MachinePeak& peak) {
  constexpr auto kRate = benchmark::Counter::kIsIterationInvariantRate;
  state.counters["GFLOP/s"] = benchmark::Counter(2e-9 * multiply_adds, kRate);
  state.counters["of_peak"] = benchmark::Counter(multiply_adds / peak.of(Precision::fp32), kRate);
}

void count_bytes(benchmark::State& state, double bytes, const MachinePeak& peak) {
  constexpr auto kRate = benchmark::Counter::kIsIterationInvariantRate;
  state.counters["GB/s"] = benchmark::Counter(1e-9 * bytes, kRate);
  state.counters["of_bandwidth"] = benchmark::Counter(bytes / peak.bytes_per_second, kRate);
}

const MachinePeak& peak_of(int threads) {
  static std::map<int, MachinePeak> peaks;
  const auto [place, is_new] = peaks.try_emplace(threads);
  if (is_new) {
    ThreadPool pool(threads);
    place->second = measure_machine_peak(pool);
    benchmark::AddCustomContext(
        fmt::format("peak of {} threads", threads),
        fmt::format("{:.1f} GFLOP/s, {:.1f} GB/s", 2e-9 * place->second.of(Precision::fp32),
                    1e-9 * place->second.bytes_per_second));
  }
  return place->second;
}

int run(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::AddCustomContext("CPU", entry("/proc/cpuinfo", "model name"));
  for (const auto& [name, version] : program_versions()) benchmark::AddCustomContext(name, version);
  benchmark::AddCustomContext("GPU", gpu());
  benchmark::AddCustomContext("driver", entry("/proc/driver/nvidia/version", "NVRM version"));
  benchmark::AddCustomContext("cuDNN", cudnn());
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return any_refused ? 1 : 0;
}

}  // namespace backdrop::suite
