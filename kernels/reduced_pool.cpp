// Loops over channels that the compiler vectorises.
#include "kernels/reduced_pool.h"

#include <algorithm>
#include <vector>

namespace backdrop::kernels {
namespace {

struct Int8 {
  using Element = std::uint8_t;
  static Element larger(Element a, Element b) { return a > b ? a : b; }
  static float real(Element value, const ValueScale& scale) { return to_float(value, scale); }
  static Element stored(float value, const ValueScale& scale) { return to_uint8(value, scale); }
};

struct Int16 {
  using Element = std::int16_t;
  static Element larger(Element a, Element b) { return a > b ? a : b; }
  static float real(Element value, const ValueScale& scale) { return to_float(value, scale); }
  static Element stored(float value, const ValueScale& scale) { return to_int16(value, scale); }
};

struct Bfloat16 {
  using Element = Bf16;
  static Element larger(Element a, Element b) { return to_float(a) > to_float(b) ? a : b; }
  static float real(Element value, const ValueScale&) { return to_float(value); }
  static Element stored(float value, const ValueScale&) { return to_bf16(value); }
};

template <class Kind>
void max_pool(const ReducedPool& pool, const PositionWork& work, int rows, const RowPointers& input,
              void* const* output) {
  using Element = typename Kind::Element;
  std::vector<Element> largest(pool.channels);
  for (int p = 0; p < work.positions(); ++p) {
    const auto taps = work.taps_of(p);
    for (int row = 0; row < rows; ++row) {
      Element* out = pool.kind == DotOutput::stored ? static_cast<Element*>(output[row]) + work.output[p]
                                                    : largest.data();
      std::copy_n(input.at<Element>(taps[0], row), pool.channels, out);
      for (const Tap& tap : taps.subspan(1)) {
        const Element* in = input.at<Element>(tap, row);
        for (int c = 0; c < pool.channels; ++c) out[c] = Kind::larger(in[c], out[c]);
      }
      if (pool.kind == DotOutput::stored) continue;
      float* real = static_cast<float*>(output[row]) + work.output[p];
      for (int c = 0; c < pool.channels; ++c) real[c] = Kind::real(out[c], pool.input);
    }
  }
}

template <class Kind>
void average_pool(const ReducedPool& pool, const PositionWork& work, int rows, const RowPointers& input,
                  void* const* output) {
  using Element = typename Kind::Element;
  std::vector<float> mean(pool.channels);
  for (int p = 0; p < work.positions(); ++p) {
    const auto taps = work.taps_of(p);
    const float share = 1.0f / static_cast<float>(taps.size());
    for (int row = 0; row < rows; ++row) {
      float* out =
          pool.kind == DotOutput::real ? static_cast<float*>(output[row]) + work.output[p] : mean.data();
      std::fill_n(out, pool.channels, 0.0f);
      for (const Tap& tap : taps) {
        const Element* in = input.at<Element>(tap, row);
        for (int c = 0; c < pool.channels; ++c) out[c] += Kind::real(in[c], pool.input);
      }
      for (int c = 0; c < pool.channels; ++c) out[c] *= share;
      if (pool.kind == DotOutput::real) continue;
      Element* stored = static_cast<Element*>(output[row]) + work.output[p];
      for (int c = 0; c < pool.channels; ++c) stored[c] = Kind::stored(out[c], pool.output);
    }
  }
}

// Calls `body` with the kind of element.
template <class Body>
void with_kind(Precision precision, const Body& body) {
  switch (precision) {
    case Precision::int8:
      return body(Int8());
    case Precision::int16:
      return body(Int16());
    default:
      return body(Bfloat16());
  }
}

}  // namespace

void reduced_max_pool(const ReducedPool& pool, const PositionWork& work, int rows, const RowPointers& input,
                      void* const* output) {
  with_kind(pool.precision, [&](auto kind) { max_pool<decltype(kind)>(pool, work, rows, input, output); });
}

void reduced_average_pool(const ReducedPool& pool, const PositionWork& work, int rows,
                          const RowPointers& input, void* const* output) {
  with_kind(pool.precision,
            [&](auto kind) { average_pool<decltype(kind)>(pool, work, rows, input, output); });
}

}  // namespace backdrop::kernels
