// The register block, written over a type D (sums and multiply-add of four-byte groups) that the including
// file defines for its instruction set. No include guard: included once a file.
//
// sum[r][v] = start[v] + sum over taps t, groups g of input(t, r)[g] . panel[t][g][v]

// `Written`: how residual and output are stored.
template <class Written, int Rows, int Vectors>
inline void finish_sums(const DotArguments& a, typename D::Sum (&sums)[Rows][Vectors]) {
  using Element = typename Written::Element;
  for (int r = 0; r < Rows; ++r) {
    const int row = a.first_row + r;
    const std::ptrdiff_t place = std::ptrdiff_t{a.output_offset} + a.first_column;
    const Element* residual =
        a.residual_tap != nullptr ? a.residual->at<Element>(*a.residual_tap, row) + a.first_column : nullptr;
    for (int v = 0; v < Vectors; ++v) {
      const int left = a.columns - v * kDotLanes;
      const int valid = left < kDotLanes ? left : kDotLanes;
      if (valid <= 0) break;
      const std::ptrdiff_t lane = v * kDotLanes;
      if (a.kind == DotOutput::sums) {
        D::store_sums(a.output[row], place + lane, valid, sums[r][v]);
        continue;
      }
      __m512 value = D::real(sums[r][v], a, v * kDotLanes);
      if (residual != nullptr) value = Written::add(value, residual + lane, valid, a.residual_scale);
      const __mmask16 negative = _mm512_cmp_ps_mask(value, _mm512_setzero_ps(), _CMP_LT_OQ);
      value = _mm512_mask_mul_ps(value, negative, value, _mm512_set1_ps(a.slope));
      if (a.kind == DotOutput::real)
        store_lanes(static_cast<float*>(a.output[row]) + place + lane, valid, value);
      else
        Written::store(static_cast<Element*>(a.output[row]) + place + lane, valid, value, a.output_scale);
    }
  }
}

constexpr int kColumns = 32;  // 8 rows x 2 vectors
constexpr int kUnrolled = 4;  // groups a turn of the inner loop

// The next `Groups` of each row, and of the weights.
template <int Groups, int Rows, int Vectors>
[[gnu::always_inline]] inline void add_groups(const std::byte* (&row)[Rows], const std::byte*& weights,
                                              typename D::Sum (&sums)[Rows][Vectors]) {
#pragma GCC unroll 8
  for (int g = 0; g < Groups; ++g) {
    __m512i column[Vectors];
    for (int v = 0; v < Vectors; ++v) column[v] = _mm512_loadu_si512(weights + (g * Vectors + v) * 64);
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r) {
      std::int32_t group;
      __builtin_memcpy(&group, row[r] + g * kGroupBytes, sizeof group);
      const __m512i value = _mm512_set1_epi32(group);
#pragma GCC unroll 8
      for (int v = 0; v < Vectors; ++v) sums[r][v] = D::multiply_add(sums[r][v], value, column[v]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r) row[r] += Groups * kGroupBytes;
  weights += Groups * Vectors * 64;
}

template <int Rows, int Vectors>
inline void dot_block(const DotArguments& a) {
  typename D::Sum sums[Rows][Vectors];
  for (int r = 0; r < Rows; ++r)
    for (int v = 0; v < Vectors; ++v) sums[r][v] = D::load_start(a.start, v * kDotLanes);

  const std::ptrdiff_t line_step = a.ahead_step * kUnrolled / (a.groups * Vectors);  // a line a vector
  for (int t = 0; t < a.tap_count; ++t) {
    const Tap& tap = a.taps[t];
    const std::byte* ahead = a.ahead + t * a.ahead_step;
    const std::byte* row[Rows];
    for (int r = 0; r < Rows; ++r)
      row[r] = reinterpret_cast<const std::byte*>(a.input->at<typename D::Element>(tap, a.first_row + r) +
                                                  a.first_channel);
    const std::byte* weights = a.panel + std::ptrdiff_t{tap.weight} * a.groups * a.width * kGroupBytes;
    int left = a.groups;
    for (; left >= kUnrolled; left -= kUnrolled) {
#pragma GCC unroll 8
      for (int v = 0; v < Vectors; ++v, ahead += line_step) __builtin_prefetch(ahead, 0, 2);
      add_groups<kUnrolled>(row, weights, sums);
    }
    for (; left > 0; --left) add_groups<1>(row, weights, sums);
    if (a.corrections != nullptr)
      for (int v = 0; v < Vectors; ++v) {
        const std::int32_t* correction = a.corrections + tap.weight * a.width + v * kDotLanes;
        for (int r = 0; r < Rows; ++r) sums[r][v] = D::correct(sums[r][v], correction);
      }
  }
  if constexpr (std::is_same_v<typename D::Element, std::int16_t>)
    finish_sums<ShortLanes, Rows, Vectors>(a, sums);
  else if (a.written == Precision::int8)
    finish_sums<ByteLanes, Rows, Vectors>(a, sums);
  else
    finish_sums<HalfLanes, Rows, Vectors>(a, sums);
}

template <int Rows>
inline void dispatch_width(DotArguments& a) {
  a.width > kDotLanes ? dot_block<Rows, 2>(a) : dot_block<Rows, 1>(a);
  a.first_row += Rows;
}

inline void dispatch_dot(const DotArguments& arguments, int rows) {
  DotArguments a = arguments;
  if (rows >= 8) return dispatch_width<8>(a);
  if ((rows & 4) != 0) dispatch_width<4>(a);
  if ((rows & 2) != 0) dispatch_width<2>(a);
  if ((rows & 1) != 0) dispatch_width<1>(a);
}
