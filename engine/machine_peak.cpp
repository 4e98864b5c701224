#include "engine/machine_peak.h"

#include <algorithm>
#include <vector>

#include "core/aligned.h"
#include "core/clock.h"
#include "core/instruction_set.h"
#include "kernels/dot_convolution.h"
#include "kernels/peak_loop.h"

namespace backdrop {
namespace {

// Short tries, so that some of them run undisturbed on a busy machine.
constexpr int kComputeTries = 40;
constexpr std::int64_t kRounds = 20'000;
constexpr int kMemoryTries = 10;
// Of each of three arrays a thread: far beyond any cache.
constexpr std::size_t kFloats = std::size_t{8} << 20;

// `loop`: rounds and a sink to the multiply-adds done.
template <typename Loop>
double measure_multiply_adds(ThreadPool& pool, const Loop& loop) {
  const auto threads = static_cast<std::size_t>(pool.threads());
  std::vector<float> sinks(16 * threads, 1.0f);  // a cache line for each
  double best = 0;
  for (int attempt = 0; attempt < kComputeTries; ++attempt) {
    const Clock::time_point start = Clock::now();
    std::int64_t done = 0;
    pool.run(threads, [&](std::size_t index, int) {
      const std::int64_t count = loop(kRounds, sinks.data() + 16 * index);
      if (index == 0) done = count;
    });
    best = std::max(best, static_cast<double>(done) * static_cast<double>(threads) / seconds_since(start));
  }
  return best;
}

double measure_dots(ThreadPool& pool, Precision precision) {
  if (!kernels::has_dot_instructions(precision)) return 0;
  return measure_multiply_adds(pool, [precision](std::int64_t rounds, float* sink) {
    return kernels::run_dot_peak_loop(precision, rounds, sink);
  });
}

double measure_bytes(ThreadPool& pool) {
  const auto threads = static_cast<std::size_t>(pool.threads());
  std::vector<AlignedBuffer> memory(threads);
  pool.run(threads, [&](std::size_t index, int) {
    memory[index] = AlignedBuffer(3 * kFloats * sizeof(float));
    std::fill_n(memory[index].floats(), 3 * kFloats, 1.0f);
  });
  double best = 0;
  for (int attempt = 0; attempt < kMemoryTries; ++attempt) {
    const Clock::time_point start = Clock::now();
    pool.run(threads, [&](std::size_t index, int) {
      float* a = memory[index].floats();
      const float* b = a + kFloats;
      const float* c = b + kFloats;
      for (std::size_t i = 0; i < kFloats; ++i) a[i] = b[i] + 0.5f * c[i];
    });
    const double bytes = 3.0 * sizeof(float) * kFloats * static_cast<double>(threads);
    best = std::max(best, bytes / seconds_since(start));
  }
  return best;
}

}  // namespace

MachinePeak measure_machine_peak(ThreadPool& pool) {
  const auto vectors = [](std::int64_t rounds, float* sink) {
    return kernels::run_peak_loop(best_instruction_set(), rounds, sink);
  };
  MachinePeak peak;
  peak.of(Precision::fp32) = measure_multiply_adds(pool, vectors);
  peak.bytes_per_second = measure_bytes(pool);
  for (const Precision precision : {Precision::bf16, Precision::int16, Precision::int8})
    peak.of(precision) = measure_dots(pool, precision);
  return peak;
}

}  // namespace backdrop
