// The register block, written over a vector type V (load, broadcast, multiply-add, masked load and store)
// that the including file defines for its instruction set. No include guard: included once a file.
//
// accumulator[r][v] = start[v] + sum over taps t, channels c of input(t, r)[c] * panel[t][c][v]

// Rows x Vectors accumulators of V::kLanes columns each, from column `skip` of the panel.
template <int Rows, int Vectors>
inline void accumulate_block(const BlockArguments& a, int skip) {
  V accumulator[Rows][Vectors];
  for (int r = 0; r < Rows; ++r)
    for (int v = 0; v < Vectors; ++v) accumulator[r][v] = V::load(a.start + skip + v * V::kLanes);

  const std::byte* ahead = a.ahead;
  const std::ptrdiff_t ahead_step = a.ahead_step;
  const std::ptrdiff_t tap_size = std::ptrdiff_t{a.channels} * a.width;
  for (int t = 0; t < a.tap_count; ++t) {
    const Tap& tap = a.taps[t];
    const float* row[Rows];
    for (int r = 0; r < Rows; ++r) row[r] = a.input->at(tap, a.first_row + r) + a.first_channel;
    const float* weights = a.panel + tap.weight * tap_size + skip;
    for (int c = 0; c < a.channels; ++c, weights += a.width) {
      __builtin_prefetch(ahead, 0, 2);
      ahead += ahead_step;
      V column[Vectors];
      for (int v = 0; v < Vectors; ++v) column[v] = V::load(weights + v * V::kLanes);
      for (int r = 0; r < Rows; ++r) {
        const V value = V::broadcast(row[r] + c);
        for (int v = 0; v < Vectors; ++v)
          accumulator[r][v] = V::multiply_add(value, column[v], accumulator[r][v]);
      }
    }
  }

  const V slope = V::broadcast(&a.slope);
  for (int r = 0; r < Rows; ++r) {
    float* out = a.output[a.first_row + r] + a.output_offset + a.first_column + skip;
    const float* residual = a.residual_tap != nullptr
                                ? a.residual->at(*a.residual_tap, a.first_row + r) + a.first_column + skip
                                : nullptr;
    for (int v = 0; v < Vectors; ++v) {
      const int left = a.columns - skip - v * V::kLanes;
      const int valid = left < V::kLanes ? left : V::kLanes;
      if (valid <= 0) break;
      V sum = accumulator[r][v];
      if (residual != nullptr) sum = V::add(sum, V::load_first(residual + v * V::kLanes, valid));
      V::activate(sum, slope).store_first(out + v * V::kLanes, valid);
    }
  }
}

template <int Vectors>
inline void dispatch_rows(const BlockArguments& a, int rows, int skip) {
  switch (rows) {
    case 1:
      return accumulate_block<1, Vectors>(a, skip);
    case 2:
      return accumulate_block<2, Vectors>(a, skip);
    case 3:
      return accumulate_block<3, Vectors>(a, skip);
    default:
      return accumulate_block<4, Vectors>(a, skip);
  }
}
