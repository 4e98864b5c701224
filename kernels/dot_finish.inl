// What is done with sums on the way out: over a type D as in dot_block.inl. No include guard: included once a
// file.
//
// `sum_at(r, v)` are the sums of row a.first_row + r and of vector v from column `skip` of the panel on.
// `Written`: how residual and output are stored.

template <int Vectors>
inline std::array<typename D::Line, Vectors> lines_of(const DotArguments& a, int skip) {
  return [&]<int... Numbers>(std::integer_sequence<int, Numbers...>) {
    return std::array{typename D::Line(a, skip + Numbers * kDotLanes)...};
  }
  (std::make_integer_sequence<int, Vectors>());
}

// Whole vectors of what is stored: nearly all.
template <class Written, bool kResidual, int Vectors, class SumAt>
inline void store_whole(const DotArguments& a, const DotPosition& position, int rows, int skip,
                        const SumAt& sum_at) {
  using Element = typename Written::Element;
  const typename Written::Scale residual_scale(a.residual_scale);
  const typename Written::Scale output_scale(a.output_scale);
  const __m512 slope = _mm512_set1_ps(a.slope);
  const std::array<typename D::Line, Vectors> lines = lines_of<Vectors>(a, skip);
  // Read once: for all the compiler knows, a store might change what they come from.
  const std::ptrdiff_t column = std::ptrdiff_t{a.first_column} + skip;
  const std::ptrdiff_t to_place = column + position.output_offset;
  void* const* const outputs = a.output + a.first_row;
  const void* const* residuals = nullptr;
  std::ptrdiff_t from_place = 0;
  if constexpr (kResidual) {
    residuals = a.residual->rows[static_cast<int>(position.residual_tap->source)] + a.first_row;
    from_place = column + position.residual_tap->offset;
  }
  for (int r = 0; r < rows; ++r) {
    Element* const to = static_cast<Element*>(outputs[r]) + to_place;
    for (int v = 0; v < Vectors; ++v) {
      __m512 value = lines[v].real(sum_at(r, v));
      if constexpr (kResidual) {
        const Element* const from = static_cast<const Element*>(residuals[r]) + from_place;
        value = Written::add(value, from + v * kDotLanes, kDotLanes, residual_scale);
      }
      Written::store(to + v * kDotLanes, kDotLanes, activate(value, slope), output_scale);
    }
  }
}

template <class Written, int Vectors, class SumAt>
inline void finish_any(const DotArguments& a, const DotPosition& position, int rows, int skip,
                       const SumAt& sum_at) {
  using Element = typename Written::Element;
  const std::ptrdiff_t place = std::ptrdiff_t{position.output_offset} + a.first_column;
  for (int r = 0; r < rows; ++r) {
    const int row = a.first_row + r;
    const Element* residual = position.residual_tap != nullptr
                                  ? a.residual->at<Element>(*position.residual_tap, row) + a.first_column
                                  : nullptr;
    for (int v = 0; v < Vectors; ++v) {
      const int lane = skip + v * kDotLanes;
      const int left = a.columns - lane;
      const int valid = left < kDotLanes ? left : kDotLanes;
      if (valid <= 0) break;
      if (a.kind == DotOutput::sums) {
        D::store_sums(a.output[row], place + lane, valid, sum_at(r, v));
        continue;
      }
      __m512 value = typename D::Line(a, lane).real(sum_at(r, v));
      if (residual != nullptr) value = Written::add(value, residual + lane, valid, a.residual_scale);
      value = activate(value, _mm512_set1_ps(a.slope));
      if (a.kind == DotOutput::real)
        store_lanes(static_cast<float*>(a.output[row]) + place + lane, valid, value);
      else
        Written::store(static_cast<Element*>(a.output[row]) + place + lane, valid, value, a.output_scale);
    }
  }
}

template <class Written, int Vectors, class SumAt>
inline void finish_as(const DotArguments& a, const DotPosition& position, int rows, int skip,
                      const SumAt& sum_at) {
  if (a.kind != DotOutput::stored || a.columns < skip + Vectors * kDotLanes)
    return finish_any<Written, Vectors>(a, position, rows, skip, sum_at);
  if (position.residual_tap != nullptr)
    return store_whole<Written, true, Vectors>(a, position, rows, skip, sum_at);
  store_whole<Written, false, Vectors>(a, position, rows, skip, sum_at);
}

template <int Vectors, class SumAt>
inline void finish(const DotArguments& a, const DotPosition& position, int rows, int skip,
                   const SumAt& sum_at) {
  if constexpr (std::is_same_v<typename D::Element, std::int16_t>)
    finish_as<ShortLanes, Vectors>(a, position, rows, skip, sum_at);
  else if (a.written == Precision::int8)
    finish_as<ByteLanes, Vectors>(a, position, rows, skip, sum_at);
  else
    finish_as<HalfLanes, Vectors>(a, position, rows, skip, sum_at);
}
