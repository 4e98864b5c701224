// What winograd_transform.inl stores and loads around products of 16-bit integers, over the including file's
// V and ShortLanes.

// What the input transform writes.
struct IntegerPoints {
  static void store(V value, const InputTransform& a, int point, int c, int count) {
    ShortLanes::store_whole(static_cast<std::int16_t*>(a.output) + point * a.stride + c, count,
                            V::multiply(value, V::broadcast(a.units_in_one + point)).value);
  }
};

struct IntegerProducts {
  static V load(const OutputTransform& a, int point, int c, int count) {
    const V sums = V::load_first(a.products + point * a.stride + c, count);
    const V scale = V::load_first(a.product_scale + point * a.scale_stride + c, count);
    return V::multiply(V::from_integers(sums), scale);
  }
};
