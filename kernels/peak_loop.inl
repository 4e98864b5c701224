// Twelve sums hide the latency of the fused multiply-add on every processor known; x -> x / 2 + 1 stays finite.
constexpr int kSums = 12;
constexpr int kRepeats = 16;

std::int64_t peak_loop(std::int64_t rounds, float* sink) {
  V sums[kSums];
  for (int i = 0; i < kSums; ++i) sums[i] = V::constant(static_cast<float>(i) + *sink);
  const V half = V::constant(0.5f);
  const V one = V::constant(1.0f);
  for (std::int64_t round = 0; round < rounds; ++round)
    for (int repeat = 0; repeat < kRepeats; ++repeat)
      for (int i = 0; i < kSums; ++i) sums[i] = V::multiply_add(sums[i], half, one);
  V total = V::zero();
  for (int i = 0; i < kSums; ++i) total = V::add(total, sums[i]);
  total.store_first(sink, 1);
  return rounds * kRepeats * kSums * V::kLanes;
}
