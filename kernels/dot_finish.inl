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

// What is added to a row.
enum class Added {
  nothing,
  from_0,  // stored by a scale whose zero is 0: nearly all
  any
};

template <class Written, Added kAdded, int Vectors>
inline void add_residual(__m512 (&values)[Vectors], const typename Written::Element* from,
                         const typename Written::Scale& scale) {
  if constexpr (kAdded == Added::from_0 && Vectors % Written::kInLine == 0)
    for (int v = 0; v < Vectors; v += Written::kInLine)
      Written::add_line(values + v, from + v * kDotLanes, scale);
  else if constexpr (kAdded != Added::nothing)
    for (int v = 0; v < Vectors; ++v)
      values[v] = Written::add(values[v], from + v * kDotLanes, kDotLanes, scale);
}

template <Activation kActivation, int Vectors>
inline void activate_all(__m512 (&values)[Vectors], __m512 slope) {
  for (__m512& value : values) {
    // The second operand where either is not a number: such values stay.
    if constexpr (kActivation == Activation::rectify) value = _mm512_max_ps(_mm512_setzero_ps(), value);
    if constexpr (kActivation == Activation::leak) value = activate(value, slope);
  }
}

template <class Written, int Vectors>
inline void store_values(typename Written::Element* to, const __m512 (&values)[Vectors],
                         const typename Written::Scale& scale) {
  if constexpr (Vectors % Written::kInLine == 0)
    for (int v = 0; v < Vectors; v += Written::kInLine)
      Written::store_line(to + v * kDotLanes, values + v, scale);
  else
    for (int v = 0; v < Vectors; ++v) Written::store(to + v * kDotLanes, kDotLanes, values[v], scale);
}

// Whole vectors of what is stored: nearly all.
template <class Written, Added kAdded, Activation kActivation, int Vectors, class SumAt>
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
  if constexpr (kAdded != Added::nothing) {
    residuals = a.residual->rows[static_cast<int>(position.residual_tap->source)] + a.first_row;
    from_place = column + position.residual_tap->offset;
  }
  for (int r = 0; r < rows; ++r) {
    Element* const to = static_cast<Element*>(outputs[r]) + to_place;
    const Element* from = nullptr;
    if constexpr (kAdded != Added::nothing) from = static_cast<const Element*>(residuals[r]) + from_place;
    __m512 values[Vectors];
    for (int v = 0; v < Vectors; ++v) values[v] = lines[v].real(sum_at(r, v));
    add_residual<Written, kAdded>(values, from, residual_scale);
    activate_all<kActivation>(values, slope);
    store_values<Written>(to, values, output_scale);
  }
}

template <class Written, Added kAdded, int Vectors, class SumAt>
inline void store_with(const DotArguments& a, const DotPosition& position, int rows, int skip,
                       const SumAt& sum_at) {
  // Bytes have nothing below their zero.
  const bool rectifies = std::is_same_v<Written, ByteLanes> && a.output_scale.zero == 0.0f;
  if (a.slope == 1.0f || (a.slope == 0.0f && rectifies))
    return store_whole<Written, kAdded, Activation::none, Vectors>(a, position, rows, skip, sum_at);
  if (a.slope == 0.0f)
    return store_whole<Written, kAdded, Activation::rectify, Vectors>(a, position, rows, skip, sum_at);
  store_whole<Written, kAdded, Activation::leak, Vectors>(a, position, rows, skip, sum_at);
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
  if (position.residual_tap == nullptr)
    return store_with<Written, Added::nothing, Vectors>(a, position, rows, skip, sum_at);
  if (!std::is_same_v<Written, ByteLanes> || a.residual_scale.zero == 0.0f)
    return store_with<Written, Added::from_0, Vectors>(a, position, rows, skip, sum_at);
  store_with<Written, Added::any, Vectors>(a, position, rows, skip, sum_at);
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
