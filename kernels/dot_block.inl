// The register block, written over a type D (sums and multiply-add of four-byte groups) that the including
// file defines for its instruction set. No include guard: included once a file.
//
// sum[r][v] = start[v] + sum over taps t, groups g of input(t, r)[g] . panel[t][g][v]

#include "kernels/dot_finish.inl"

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
inline void dot_block(const DotArguments& a, const DotPosition& position) {
  typename D::Sum sums[Rows][Vectors];
  for (int r = 0; r < Rows; ++r)
    for (int v = 0; v < Vectors; ++v)
      sums[r][v] = D::load_start(start_sums_at(a, position, v * kDotLanes), 0);

  const std::ptrdiff_t line_step = a.ahead_step * kUnrolled / (a.groups * Vectors);  // a line a vector
  const std::byte* tap_ahead = a.ahead;
  for (const Tap& tap : position.taps) {
    const std::byte* ahead = tap_ahead;
    tap_ahead += a.ahead_step;
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
  // A copy: whether what follows is inlined or not, the sums above are in registers.
  typename D::Sum results[Rows][Vectors];
  for (int r = 0; r < Rows; ++r)
    for (int v = 0; v < Vectors; ++v) results[r][v] = sums[r][v];
  const auto sum_at = [&](int r, int v) { return results[r][v]; };
  finish<Vectors>(a, position, Rows, 0, sum_at);
}

template <int Rows>
inline void dispatch_width(DotArguments& a, const DotPosition& position) {
  a.width > kDotLanes ? dot_block<Rows, 2>(a, position) : dot_block<Rows, 1>(a, position);
  a.first_row += Rows;
}

inline void dispatch_dot(const DotArguments& arguments, const DotPosition& position, int rows) {
  DotArguments a = arguments;
  if (rows >= 8) return dispatch_width<8>(a, position);
  if ((rows & 4) != 0) dispatch_width<4>(a, position);
  if ((rows & 2) != 0) dispatch_width<2>(a, position);
  if ((rows & 1) != 0) dispatch_width<1>(a, position);
}

inline void run_dots(const DotArguments& arguments, std::span<const DotPosition> positions, int rows) {
  for_each_block(arguments, positions, rows, kDotRows, dispatch_dot);
}
