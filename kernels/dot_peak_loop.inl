// Sixteen sums hide the latency of these instructions on every processor known, and stay in registers.
constexpr int kSums = 16;
constexpr int kRepeats = 16;

template <class D>
std::int64_t dot_peak_loop(std::int64_t rounds, float* sink) {
  typename D::Sum sums[kSums];
  for (typename D::Sum& sum : sums) sum = D::start(*sink);
  const __m512i values = D::constant(1);
  const __m512i weights = D::constant(2);
  for (std::int64_t round = 0; round < rounds; ++round)
    for (int repeat = 0; repeat < kRepeats; ++repeat)
      for (typename D::Sum& sum : sums) sum = D::multiply_add(sum, values, weights);
  *sink = 0;
  for (const typename D::Sum& sum : sums) *sink += D::total(sum);
  return rounds * kRepeats * kSums * D::kProducts;
}
