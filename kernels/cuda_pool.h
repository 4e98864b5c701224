/// \file
/// The maths of the GPU's pools, as plain functions of an index that tests on the CPU call too.
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
  bool to_bfloat16 = false;  ///< what fully connected layers read beside 8 bits; else stored as the input
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

/// `Traits` load and store eight elements of the input's form, `Bfloat16` stores eight of its own.
template <class Traits, class Bfloat16>
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
  if (a.to_bfloat16)
    return Bfloat16::store(static_cast<typename Bfloat16::Element*>(a.output.base) + offset, pooled);
  Traits::store(static_cast<Element*>(a.output.base) + offset, pooled);
}

/// The same in 8 bits (reduced_pool.h); averages are made of whole numbers.
template <class Bfloat16>
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
  if (!a.average && !a.to_bfloat16) {
    int8::Piece largest;
    for (int k = 0; k < kColumns; ++k) largest.values[k] = static_cast<std::uint8_t>(pooled[k]);
    return int8::store(static_cast<std::uint8_t*>(a.output.base) + place.output, largest);
  }
  const float share = a.average ? 1.0f / static_cast<float>(place.last_tap - place.first_tap) : 1.0f;
  float real[kColumns];
  for (int k = 0; k < kColumns; ++k)
    real[k] = a.input_scale.scale * (static_cast<float>(pooled[k]) * share - a.input_scale.zero);
  if (a.to_bfloat16)
    Bfloat16::store(static_cast<typename Bfloat16::Element*>(a.output.base) + place.output, real);
  else
    int8::store_rounded(static_cast<std::uint8_t*>(a.output.base) + place.output, real, a.output_scale);
}

/// The same in e4m3.
template <class Bfloat16>
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
  if (a.to_bfloat16)
    Bfloat16::store(static_cast<typename Bfloat16::Element*>(a.output.base) + place.output, pooled);
  else
    e4m3::store(static_cast<std::uint8_t*>(a.output.base) + place.output, a.output_scale.inverse, pooled);
}

}  // namespace backdrop::kernels
