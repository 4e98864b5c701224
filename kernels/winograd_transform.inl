// Winograd's transforms over a vector type V (load_first, store_first, zero, broadcast, add, subtract,
// multiply_add, activate) that the including file defines for its instruction set, and over types that load
// and store V in one form of storage each: Floats, and others of the including file. Their Scale is a
// ValueScale in the form that they use it in, made once a tile. No include guard: included once a file.
//
// The one-dimensional transforms are those of F(4, 3) with the points 0, 1, -1, 2, -2.

struct Floats {
  using Element = float;
  struct Scale {
    explicit Scale(const ValueScale&) {}
  };
  static V load(const void* from, std::ptrdiff_t at, int count, const Scale&) {
    return V::load_first(static_cast<const float*>(from) + at, count);
  }
  static void store(V value, void* to, std::ptrdiff_t at, int count, const Scale&) {
    value.store_first(static_cast<float*>(to) + at, count);
  }
};

// The points of transformed inputs, in a form of storage without a scale.
template <class Stored>
struct PlainPoints {
  static void store(V value, const InputTransform& a, int point, int c, int count) {
    Stored::store(value, a.output, point * a.stride + c, count, typename Stored::Scale(ValueScale()));
  }
};

struct FloatProducts {
  static V load(const OutputTransform& a, int point, int c, int count) {
    return V::load_first(a.products + point * a.stride + c, count);
  }
};

// A tile's lines lie far apart, where the processor does not see the next one coming.
template <class Stored, bool Write = false>
inline void prefetch(const void* value, int c) {
  if constexpr (V::kLanes > 1)
    __builtin_prefetch(static_cast<const typename Stored::Element*>(value) + c, Write ? 1 : 0);
}

inline V scaled(V a, float factor, V b) {
  return V::multiply_add(a, V::constant(factor), b);  // a * factor + b
}

inline void input_points(const V* d, V* out) {
  const V sum = scaled(d[2], -4.0f, d[4]);         // d4 - 4 d2
  const V difference = scaled(d[1], -4.0f, d[3]);  // d3 - 4 d1
  const V even = V::subtract(d[4], d[2]);
  const V odd = V::subtract(d[3], d[1]);
  out[0] = V::add(scaled(d[0], 4.0f, d[4]), scaled(d[2], -5.0f, V::zero()));
  out[1] = V::add(sum, difference);
  out[2] = V::subtract(sum, difference);
  out[3] = scaled(odd, 2.0f, even);
  out[4] = scaled(odd, -2.0f, even);
  out[5] = V::add(scaled(d[1], 4.0f, d[5]), scaled(d[3], -5.0f, V::zero()));
}

inline void output_points(const V* m, V* out) {
  const V sum1 = V::add(m[1], m[2]);
  const V difference1 = V::subtract(m[1], m[2]);
  const V sum2 = V::add(m[3], m[4]);
  const V difference2 = V::subtract(m[3], m[4]);
  out[0] = V::add(V::add(m[0], sum1), sum2);
  out[1] = scaled(difference2, 2.0f, difference1);
  out[2] = scaled(sum2, 4.0f, sum1);
  out[3] = V::add(scaled(difference2, 8.0f, difference1), m[5]);
}

// `valid` lanes from channel c on. Inlined, so that whole vectors are compiled for a known number of lanes.
template <class Stored, class Points>
[[gnu::always_inline]] inline void transform_input_lanes(const InputTransform& a,
                                                         const typename Stored::Scale& scale, int c,
                                                         int valid) {
  V columns[kTileInputs][kTileInputs];  // [point of the rows][column]
  for (int x = 0; x < kTileInputs; ++x) {
    V d[kTileInputs];
    for (int y = 0; y < kTileInputs; ++y) {
      const void* from = a.input[y * kTileInputs + x];
      d[y] = from != nullptr ? Stored::load(from, c, valid, scale) : V::zero();
      prefetch<Stored>(a.ahead[y * kTileInputs + x], c);
    }
    V points[kTileInputs];
    input_points(d, points);
    for (int y = 0; y < kTileInputs; ++y) columns[y][x] = points[y];
  }
  for (int y = 0; y < kTileInputs; ++y) {
    V points[kTileInputs];
    input_points(columns[y], points);
    for (int x = 0; x < kTileInputs; ++x) Points::store(points[x], a, y * kTileInputs + x, c, valid);
  }
}

template <class Stored, class Points = PlainPoints<Stored>>
inline void transform_input(const InputTransform& a) {
  const typename Stored::Scale scale(a.scale);
  int c = 0;
  for (; c + V::kLanes <= a.channels; c += V::kLanes)
    transform_input_lanes<Stored, Points>(a, scale, c, V::kLanes);
  if (c < a.channels) transform_input_lanes<Stored, Points>(a, scale, c, a.channels - c);
}

template <class Stored, class Products>
[[gnu::always_inline]] inline void transform_output_lanes(const OutputTransform& a,
                                                          const typename Stored::Scale& residual_scale,
                                                          const typename Stored::Scale& output_scale, int c,
                                                          int valid) {
  V rows[kTile][kTileInputs];  // [output row][point of the columns]
  for (int i = 0; i < kTile * kTile; ++i)
    if constexpr (V::kLanes > 1)
      __builtin_prefetch(static_cast<typename Stored::Element*>(a.output[i]) + c, 1);
  for (int x = 0; x < kTileInputs; ++x) {
    V m[kTileInputs];
    for (int y = 0; y < kTileInputs; ++y) m[y] = Products::load(a, y * kTileInputs + x, c, valid);
    V outputs[kTile];
    output_points(m, outputs);
    for (int y = 0; y < kTile; ++y) rows[y][x] = outputs[y];
  }
  const V slope = V::constant(a.slope);
  const V bias = V::load_first(a.bias + c, valid);
  for (int y = 0; y < kTile; ++y) {
    V outputs[kTile];
    output_points(rows[y], outputs);
    for (int x = 0; x < kTile; ++x) {
      void* to = a.output[y * kTile + x];
      if (to == nullptr) continue;
      V sum = V::add(outputs[x], bias);
      if (a.residual != nullptr) {
        prefetch<Stored>(a.ahead[y * kTile + x], c);
        sum = V::add(sum, Stored::load(a.residual[y * kTile + x], c, valid, residual_scale));
      }
      Stored::store(V::activate(sum, slope), to, c, valid, output_scale);
    }
  }
}

template <class Stored, class Products = FloatProducts>
inline void transform_output(const OutputTransform& a) {
  const typename Stored::Scale residual_scale(a.residual_scale);
  const typename Stored::Scale output_scale(a.output_scale);
  int c = 0;
  for (; c + V::kLanes <= a.channels; c += V::kLanes)
    transform_output_lanes<Stored, Products>(a, residual_scale, output_scale, c, V::kLanes);
  if (c < a.channels)
    transform_output_lanes<Stored, Products>(a, residual_scale, output_scale, c, a.channels - c);
}
