/// \file
/// The per-element maths of the GPU's small kernels (pools, composites, decisions), as plain functions of an
/// index that tests on the CPU call too.
#pragma once

#include <cstdint>

#include "kernels/cuda_tile.h"
#include "kernels/e4m3.h"

namespace backdrop::kernels {

/// One pool over a list (position_pool.h); channels are multiples of 8.
struct PoolArguments {
  DeviceWork work;
  int rows = 0;
  int channels = 0;
  bool average = false;  ///< else the maximum
  DeviceRows input;
  DeviceOutput output;
  DeviceScale input_scale;   ///< in 8 bits; e4m3 has no zeros
  DeviceScale output_scale;  ///< of a stored average; a maximum keeps the input's
};

/// Piece i is eight channels of one row: channel pieces vary fastest, then rows, then positions.
BACKDROP_HOST_DEVICE std::int64_t pool_pieces(const PoolArguments& a) {
  return static_cast<std::int64_t>(a.work.positions) * a.rows * (a.channels / tile::kPieceColumns);
}

/// What one piece reads and writes.
struct PoolPlace {
  int channel = 0;
  int row = 0;
  int first_tap = 0;
  int last_tap = 0;         ///< one past
  std::int64_t output = 0;  ///< in elements
};

BACKDROP_HOST_DEVICE PoolPlace place_of_pool(const PoolArguments& a, std::int64_t piece) {
  const int pieces = a.channels / tile::kPieceColumns;
  PoolPlace place;
  place.channel = static_cast<int>(piece % pieces) * tile::kPieceColumns;
  place.row = static_cast<int>(piece / pieces % a.rows);
  const int position = static_cast<int>(piece / pieces / a.rows);
  place.first_tap = a.work.first_tap[position];
  place.last_tap = a.work.first_tap[position + 1];
  place.output = output_offset(a.output, a.work.output[position], place.row) + place.channel;
  return place;
}

template <class Traits>
BACKDROP_HOST_DEVICE void pool_piece(const PoolArguments& a, std::int64_t piece) {
  using Element = typename Traits::Element;
  constexpr int kColumns = tile::kPieceColumns;
  const auto [channel, row, first, last, offset] = place_of_pool(a, piece);
  float pooled[kColumns];
  Traits::load(row_address<Element>(a.input, a.work.taps[first], row) + channel, pooled);
  for (int t = first + 1; t < last; ++t) {
    float values[kColumns];
    Traits::load(row_address<Element>(a.input, a.work.taps[t], row) + channel, values);
    for (int k = 0; k < kColumns; ++k)
      pooled[k] = a.average ? pooled[k] + values[k] : values[k] > pooled[k] ? values[k] : pooled[k];
  }
  if (a.average)
    for (int k = 0; k < kColumns; ++k) pooled[k] *= 1.0f / static_cast<float>(last - first);
  Traits::store(static_cast<Element*>(a.output.base) + offset, pooled);
}

/// The same in 8 bits (reduced_pool.h); averages are made of whole numbers.
BACKDROP_HOST_DEVICE void pool_int8_piece(const PoolArguments& a, std::int64_t piece) {
  constexpr int kColumns = tile::kPieceColumns;
  const PoolPlace place = place_of_pool(a, piece);
  std::int32_t pooled[kColumns] = {};
  for (int t = place.first_tap; t < place.last_tap; ++t) {
    const int8::Piece in =
        int8::load(row_address<std::uint8_t>(a.input, a.work.taps[t], place.row) + place.channel);
    for (int k = 0; k < kColumns; ++k)
      pooled[k] = a.average ? pooled[k] + in.values[k] : in.values[k] > pooled[k] ? in.values[k] : pooled[k];
  }
  if (!a.average && a.output.kind == DotOutput::stored) {
    int8::Piece largest;
    for (int k = 0; k < kColumns; ++k) largest.values[k] = static_cast<std::uint8_t>(pooled[k]);
    return int8::store(static_cast<std::uint8_t*>(a.output.base) + place.output, largest);
  }
  const float share = a.average ? 1.0f / static_cast<float>(place.last_tap - place.first_tap) : 1.0f;
  float real[kColumns];
  for (int k = 0; k < kColumns; ++k)
    real[k] = a.input_scale.scale * (static_cast<float>(pooled[k]) * share - a.input_scale.zero);
  if (a.output.kind == DotOutput::real)
    store_eight(static_cast<float*>(a.output.base) + place.output, real);
  else
    int8::store_rounded(static_cast<std::uint8_t*>(a.output.base) + place.output, real, a.output_scale);
}

/// The same in e4m3.
BACKDROP_HOST_DEVICE void pool_fp8_piece(const PoolArguments& a, std::int64_t piece) {
  constexpr int kColumns = tile::kPieceColumns;
  const PoolPlace place = place_of_pool(a, piece);
  float pooled[kColumns];
  e4m3::load(row_address<std::uint8_t>(a.input, a.work.taps[place.first_tap], place.row) + place.channel,
             1.0f, pooled);
  for (int t = place.first_tap + 1; t < place.last_tap; ++t) {
    float in[kColumns];
    e4m3::load(row_address<std::uint8_t>(a.input, a.work.taps[t], place.row) + place.channel, 1.0f, in);
    for (int k = 0; k < kColumns; ++k)
      pooled[k] = a.average ? pooled[k] + in[k] : in[k] > pooled[k] ? in[k] : pooled[k];
  }
  const float share = a.average ? 1.0f / static_cast<float>(place.last_tap - place.first_tap) : 1.0f;
  for (int k = 0; k < kColumns; ++k) pooled[k] *= share * a.input_scale.scale;
  if (a.output.kind == DotOutput::real)
    store_eight(static_cast<float*>(a.output.base) + place.output, pooled);
  else
    e4m3::store(static_cast<std::uint8_t*>(a.output.base) + place.output, a.output_scale.inverse, pooled);
}

/// One composite: indices into the photos; -1: the photo plays no part.
struct CompositePair {
  std::int32_t foreground = -1;
  std::int32_t background = -1;
};

/// Photos to normalised inputs: composite n is pairs[n], written at n or slots[n] times pixels.
/// With a list of positions only these are written, in their order.
struct CompositeArguments {
  const std::uint8_t* foregrounds = nullptr;  ///< [F][photo_pixels][3]
  const std::uint32_t* masks = nullptr;       ///< [F][mask_words], bit p % 32 of word p / 32
  const std::uint8_t* backgrounds = nullptr;  ///< [B][photo_pixels][3]
  const CompositePair* pairs = nullptr;
  const std::int32_t* positions = nullptr;  ///< null: all, in order
  const float* table = nullptr;             ///< NormalizationTable, [3][256]
  const std::int32_t* slots = nullptr;
  void* output = nullptr;
  int composites = 0;
  int photo_pixels = 0;
  int mask_words = 0;
  int pixels = 0;  ///< written a composite
};

/// The three intensities that composite n shows at pixel p: the foreground's where its mask is set or where
/// there is no background.
BACKDROP_HOST_DEVICE const std::uint8_t* composite_source(const CompositeArguments& a, int n, int p) {
  const CompositePair pair = a.pairs[n];
  const int pixel = a.positions != nullptr ? a.positions[p] : p;
  const bool inside =
      pair.background < 0 ||
      (pair.foreground >= 0 &&
       (a.masks[static_cast<std::int64_t>(pair.foreground) * a.mask_words + pixel / 32] >> (pixel % 32) &
        1u) != 0);
  const std::uint8_t* photos = inside ? a.foregrounds : a.backgrounds;
  const std::int64_t photo = inside ? pair.foreground : pair.background;
  return photos + (photo * a.photo_pixels + pixel) * 3;
}

/// The same as a pixel of 8 bits, kPixelChannels of them.
BACKDROP_HOST_DEVICE std::uint32_t composite_word(const CompositeArguments& a, int n, int p) {
  const std::uint8_t* source = composite_source(a, n, p);
  return source[0] | static_cast<std::uint32_t>(source[1]) << 8 | static_cast<std::uint32_t>(source[2]) << 16;
}

/// The place of pixel p of composite n in the output, in pixels.
BACKDROP_HOST_DEVICE std::int64_t composite_place(const CompositeArguments& a, int n, int p) {
  const std::int64_t block = a.slots != nullptr ? a.slots[n] : n;
  return block * a.pixels + p;
}

/// What is kept of one composite's logits.
struct DeviceDecision {
  float margin = 0;  ///< as kernels::Decision
  float gap = 0;     ///< the best logit minus the second best; not a number as the margin
  std::int32_t prediction = 0;
};

inline constexpr float kInfinity = __builtin_huge_valf();

/// The best of some logits, to be merged in any order.
struct PartialDecision {
  float best = -kInfinity;
  float second = -kInfinity;
  float right = -kInfinity;
  float wrong = -kInfinity;
  std::int32_t index = INT32_MAX;
  std::int32_t not_a_number = 0;
};

BACKDROP_HOST_DEVICE float larger(float a, float b) {
  return a > b ? a : b;
}

BACKDROP_HOST_DEVICE PartialDecision merge(const PartialDecision& a, const PartialDecision& b) {
  PartialDecision merged;
  const bool first = a.best > b.best || (a.best == b.best && a.index < b.index);
  merged.best = first ? a.best : b.best;
  merged.index = first ? a.index : b.index;
  merged.second = larger(first ? b.best : a.best, larger(a.second, b.second));
  merged.right = larger(a.right, b.right);
  merged.wrong = larger(a.wrong, b.wrong);
  merged.not_a_number = a.not_a_number | b.not_a_number;
  return merged;
}

BACKDROP_HOST_DEVICE PartialDecision one_logit(float logit, int index, bool counts_as_label) {
  PartialDecision one;
  one.best = logit;
  one.index = index;
  if (counts_as_label)
    one.right = logit;
  else
    one.wrong = logit;
  one.not_a_number = logit != logit ? 1 : 0;
  return one;
}

BACKDROP_HOST_DEVICE DeviceDecision finish_decision(const PartialDecision& a) {
  DeviceDecision decision;
  if (a.not_a_number != 0) {
    decision.margin = decision.gap = __builtin_nanf("");
    return decision;
  }
  decision.prediction = a.index;
  decision.margin = a.right - a.wrong;
  decision.gap = a.best - a.second;
  return decision;
}

}  // namespace backdrop::kernels
