// What winograd_transform.inl stores and loads around products of 16-bit integers, over the including file's V and
// ShortLanes.

// What the input transform writes.
struct Points {
  static void store(V value, void* to, std::ptrdiff_t at, int count, const ValueScale& scale) {
    ShortLanes::store_whole(static_cast<std::int16_t*>(to) + at, count,
                            V::multiply(value, V::constant(1.0f / scale.scale)).value);
  }
};

struct IntegerProducts {
  static V load(const OutputTransform& a, int point, int c, int count) {
    const V sums = V::load_first(a.products + point * a.stride + c, count);
    const V scale = V::load_first(a.product_scale + point * a.scale_stride + c, count);
    return V::multiply(V::from_integers(sums), scale);
  }
};
