/// \file
/// Random numbers for the demo data: SplitMix64 (Steele, Lea, Flood 2014), the same on every machine.
///
/// The demo's arithmetic is limited to operations that IEEE 754 defines exactly (+ - * / sqrt floor) and its
/// sources are compiled without contraction to fused multiply-adds, so that no pixel depends on a compiler or
/// a libm.
#pragma once

#include <cstdint>

namespace backdrop::demo {

/// Mixes 64 bits so that neighbouring inputs give unrelated outputs.
constexpr std::uint64_t mix(std::uint64_t value) {
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9u;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EBu;
  return value ^ (value >> 31);
}

/// A stream of random numbers.
class Random {
 public:
  /// Streams of different `stream` are unrelated.
  Random(std::uint64_t seed, std::uint64_t stream) : state_(mix(mix(seed + kStep) + stream * kStep)) {}

  std::uint64_t next() {
    state_ += kStep;
    return mix(state_);
  }

  /// Uniform in [low, high).
  double between(double low, double high) {
    return low + (high - low) * (static_cast<double>(next() >> 11) * 0x1p-53);
  }

  /// Uniform in [0, count).
  int below(int count) { return static_cast<int>(next() % static_cast<std::uint64_t>(count)); }

  bool chance(double probability) { return between(0, 1) < probability; }

 private:
  static constexpr std::uint64_t kStep = 0x9E3779B97F4A7C15u;

  std::uint64_t state_;
};

}  // namespace backdrop::demo
