// The register block, written over a vector type V (load, broadcast, accumulate, masked load and store) and
// over kUnrolled, the channels a turn of the inner loop, which the including file defines for its instruction
// set. No include guard: included once a file.
//
// accumulator[r][v] = start[v] + sum over taps t, channels c of input(t, r)[c] * panel[t][c][v]
//
// Every loop over accumulators is unrolled: one that is not makes the compiler keep them all in memory.

constexpr int kLineFloats = 16;  // of a cache

// The next `Channels` of each row, and of the weights.
template <int Channels, int Rows, int Vectors>
[[gnu::always_inline]] inline void accumulate_channels(const float* (&row)[Rows], const float*& weights,
                                                       V (&accumulator)[Rows][Vectors]) {
#pragma GCC unroll 8
  for (int c = 0; c < Channels; ++c) {
    V column[Vectors];
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; ++v) column[v] = V::load(weights + (c * Vectors + v) * V::kLanes);
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r) {
      const V value = V::broadcast(row[r] + c);
#pragma GCC unroll 8
      for (int v = 0; v < Vectors; ++v) V::accumulate(accumulator[r][v], value, column[v]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r) row[r] += Channels;
  weights += Channels * Vectors * V::kLanes;
}

// Residual and activation, and out. `Whole`: all columns of the strip are valid.
template <bool Whole, int Rows, int Vectors>
[[gnu::always_inline]] inline void finish_block(const BlockArguments& a, int skip,
                                                const V (&accumulator)[Rows][Vectors]) {
  const V slope = V::broadcast(&a.slope);
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r) {
    float* out = a.output[a.first_row + r] + a.output_offset + a.first_column + skip;
    const float* residual = a.residual_tap != nullptr
                                ? a.residual->at(*a.residual_tap, a.first_row + r) + a.first_column + skip
                                : nullptr;
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; ++v) {
      const int left = Whole ? V::kLanes : a.columns - skip - v * V::kLanes;
      const int valid = left < V::kLanes ? left : V::kLanes;
      if (valid <= 0) break;
      V sum = accumulator[r][v];
      if (residual != nullptr) sum = V::add(sum, V::load_first(residual + v * V::kLanes, valid));
      V::activate(sum, slope).store_first(out + v * V::kLanes, valid);
    }
  }
}

// Rows x Vectors accumulators of V::kLanes columns each: the strip from column `skip` of the panel on.
template <int Rows, int Vectors>
inline void accumulate_block(const BlockArguments& a, int skip) {
  constexpr int kColumns = Vectors * V::kLanes;
  constexpr int kLines = (kColumns + kLineFloats - 1) / kLineFloats;  // asked for at kUnrolled channels
  V accumulator[Rows][Vectors];
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; ++v) accumulator[r][v] = V::load(a.start + skip + v * V::kLanes);

  const std::ptrdiff_t strips_before = std::ptrdiff_t{skip} * a.channels;
  const std::ptrdiff_t line_step = a.ahead_step * kUnrolled / kLines;
  const std::byte* ahead = a.ahead + skip / kColumns * a.tap_count * a.channels * a.ahead_step;
  const std::ptrdiff_t tap_size = std::ptrdiff_t{a.channels} * a.width;
  for (int t = 0; t < a.tap_count; ++t) {
    const Tap& tap = a.taps[t];
    const float* row[Rows];
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r) row[r] = a.input->at(tap, a.first_row + r) + a.first_channel;
    const float* weights = a.panel + tap.weight * tap_size + strips_before;
    int left = a.channels;
    for (; left >= kUnrolled; left -= kUnrolled) {
#pragma GCC unroll 8
      for (int i = 0; i < kLines; ++i, ahead += line_step) __builtin_prefetch(ahead, 0, 2);
      accumulate_channels<kUnrolled>(row, weights, accumulator);
    }
    for (; left > 0; --left) accumulate_channels<1>(row, weights, accumulator);
  }

  a.columns - skip < kColumns ? finish_block<false>(a, skip, accumulator)
                              : finish_block<true>(a, skip, accumulator);
}

// `rows` is 1..Rows.
template <int Rows, int Vectors>
inline void dispatch_rows(const BlockArguments& a, int rows, int skip) {
  if constexpr (Rows > 1)
    if (rows < Rows) return dispatch_rows<Rows - 1, Vectors>(a, rows, skip);
  accumulate_block<Rows, Vectors>(a, skip);
}

// Strip by strip.
template <int Rows, int Vectors>
inline void run_strips(const BlockArguments& a, int rows) {
  for (int skip = 0; skip < a.width; skip += Vectors * V::kLanes) dispatch_rows<Rows, Vectors>(a, rows, skip);
}
