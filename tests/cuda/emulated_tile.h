/// \file
/// The position convolution's kernel with its 256 threads run one after the other between barriers. The two
/// warp instructions, ldmatrix and mma, and a warpgroup's wgmma follow the layouts in the PTX manual.
#pragma once

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <vector>

#include "core/aligned.h"
#include "kernels/cuda_pixel_loader.h"
#include "kernels/cuda_tile_fp8.h"
#include "kernels/cuda_tile_int8.h"
#include "kernels/cuda_tile_loader.h"
#include "kernels/cuda_tile_math.h"
#include "tests/cuda/host_elements.h"

namespace backdrop::test {

namespace tile = kernels::tile;

// ldmatrix.x4: lane l of block q gives the address of row l % 8; register q of lane l is the 32-bit word l %
// 4 of row l / 4 of block q.
using Fragments = std::array<std::array<std::uint32_t, 4>, 32>;

template <class Address>
Fragments load_matrices(const Address& address_of_lane) {
  Fragments fragments;
  for (int lane = 0; lane < 32; ++lane)
    for (int q = 0; q < 4; ++q)
      std::memcpy(&fragments[lane][q], address_of_lane(8 * q + lane / 4) + lane % 4 * 4, 4);
  return fragments;
}

/// What a product reads and sums, and how a tile ends: in floats, stored as `Traits` says.
template <class Stored>
struct FloatOperands {
  using Traits = Stored;
  using Element = typename Traits::Element;
  using Sum = float;
  static float left(Element stored) { return Traits::to_float(stored); }
  static float right(Element stored) { return Traits::to_float(stored); }

  template <int kColumns>
  static void finish(const kernels::ConvolutionArguments& a, const tile::Place& place, const float* result,
                     int thread) {
    tile::finish_pieces<Traits, kColumns>(a, place, result, thread);
  }
};

/// Unsigned 8-bit activations by signed weights, which share the memory of unsigned ones. `Halves`: fp16.
template <class Halves>
struct Int8OperandsBeside {
  using Element = std::uint8_t;
  using Sum = std::int32_t;
  static std::int32_t left(Element stored) { return stored; }
  static std::int32_t right(Element stored) { return static_cast<std::int8_t>(stored); }

  template <int kColumns>
  static void finish(const kernels::ConvolutionArguments& a, const tile::Place& place,
                     const std::int32_t* result, int thread) {
    tile::finish_int8_pieces<Halves, kColumns>(a, place, result, thread);
  }
};

using Int8Operands = Int8OperandsBeside<HostFloats>;  // where nothing is fp16

/// e4m3.
struct Fp8Operands {
  using Element = std::uint8_t;
  using Sum = float;
  static float left(Element stored) { return kernels::e4m3::decode(stored); }
  static float right(Element stored) { return kernels::e4m3::decode(stored); }

  template <int kColumns>
  static void finish(const kernels::ConvolutionArguments& a, const tile::Place& place, const float* result,
                     int thread) {
    tile::finish_fp8_pieces<kColumns>(a, place, result, thread);
  }
};

// The elements of a 32-bit register: one float, two of 16 bits or four of 8.
template <class Element>
std::array<Element, 4 / sizeof(Element)> elements_of(std::uint32_t word) {
  std::array<Element, 4 / sizeof(Element)> stored;
  std::memcpy(static_cast<void*>(stored.data()), &word, 4);
  return stored;
}

template <class Sum>
using LaneSums = std::array<std::array<Sum, 4>, 32>;

// mma m16n8 over 32 bytes of inner dimension, "row.col": with g = lane / 4, t = lane % 4 and e elements a
// register, a[0..3] are rows g, g + 8, g, g + 8 at inner t e (and + 4 e for the last two); b[0..1] are column
// g at the same inner places; c[0..3] are (g, 2 t), (g, 2 t + 1), (g + 8, 2 t), (g + 8, 2 t + 1).
template <class Operands>
void multiply(const Fragments& a, const Fragments& b, int first_b, LaneSums<typename Operands::Sum>& sums) {
  using Element = typename Operands::Element;
  constexpr int kElements = 4 / sizeof(Element);
  constexpr int kInner = 8 * kElements;
  typename Operands::Sum left[16][kInner];
  typename Operands::Sum right[kInner][8];
  for (int lane = 0; lane < 32; ++lane) {
    const int g = lane / 4;
    const int inner = lane % 4 * kElements;
    for (int q = 0; q < 4; ++q) {
      const auto values = elements_of<Element>(a[lane][q]);
      for (int e = 0; e < kElements; ++e)
        left[g + q % 2 * 8][inner + q / 2 * 4 * kElements + e] = Operands::left(values[e]);
    }
    for (int q = 0; q < 2; ++q) {
      const auto values = elements_of<Element>(b[lane][first_b + q]);
      for (int e = 0; e < kElements; ++e)
        right[inner + q * 4 * kElements + e][g] = Operands::right(values[e]);
    }
  }
  for (int lane = 0; lane < 32; ++lane)
    for (int q = 0; q < 4; ++q)
      for (int k = 0; k < kInner; ++k)
        sums[lane][q] += left[lane / 4 + q / 2 * 8][k] * right[k][lane % 4 * 2 + q % 2];
}

template <class Product, int kTileColumns>
class EmulatedMatrixMath {
 public:
  using Operands = Product;
  using Sum = typename Operands::Sum;
  using Rows = tile::Rows64;
  static constexpr int kColumns = kTileColumns;
  using Share = tile::WarpShare<kColumns>;

  void accumulate(const unsigned char* stage) {
    for (int warp = 0; warp < 8; ++warp)
      for (int step = 0; step < Share::kSteps; ++step)
        for (int j = 0; j < Share::kColumnTiles; ++j) {
          const Fragments b = load_matrices([&](int lane) {
            return stage + Share::right_offset(Share::first_column(warp) + j / 2 * 16, step, lane);
          });
          for (int i = 0; i < Share::kRowTiles; ++i) {
            const Fragments a = load_matrices([&](int lane) {
              return stage + Share::left_offset(Share::first_row(warp) + 16 * i, step, lane);
            });
            multiply<Operands>(a, b, j % 2 * 2, sums_[warp][i][j]);
          }
        }
  }

  void write(Sum* result) const {
    for (int warp = 0; warp < 8; ++warp)
      for (int i = 0; i < Share::kRowTiles; ++i)
        for (int j = 0; j < Share::kColumnTiles; ++j)
          for (int lane = 0; lane < 32; ++lane)
            for (int q = 0; q < 4; ++q)
              result[Share::result_offset(Share::first_row(warp) + 16 * i, Share::first_column(warp) + 8 * j,
                                          q, lane)] = sums_[warp][i][j][lane][q];
  }

 private:
  LaneSums<Sum> sums_[8][Share::kRowTiles][Share::kColumnTiles] = {};
};

// What a matrix descriptor names, K-major and swizzled by 128 bytes: eight rows of 128 bytes, the next eight
// a stride on; then bits 4 to 6 of each address change by bits 7 to 9.
struct DescribedMatrix {
  static constexpr std::uint32_t kBase = 5 << 10;  // where the stage lies in shared memory

  DescribedMatrix(std::uint64_t descriptor, const unsigned char* memory)
      : start((descriptor & 0x3fffu) << 4), stride((descriptor >> 32 & 0x3fffu) << 4), stage(memory) {
    valid = descriptor >> 62 == 1 && (descriptor >> 49 & 7u) == 0;
  }

  template <class Element>
  Element at(int row, int inner) const {
    const std::uint32_t address =
        start + row / 8 * stride + row % 8 * 128 + inner * static_cast<std::uint32_t>(sizeof(Element));
    Element element;
    std::memcpy(static_cast<void*>(&element), stage + (address ^ (address >> 7 & 7u) << 4) - kBase,
                sizeof(element));
    return element;
  }

  std::uint32_t start;
  std::uint32_t stride;
  const unsigned char* stage;
  bool valid;
};

template <class Product, int kTileColumns>
class EmulatedWarpgroupMath {
 public:
  using Operands = Product;
  using Element = typename Operands::Element;
  using Sum = typename Operands::Sum;
  using Rows = tile::Rows128;
  using Share = tile::WarpgroupShare;
  static constexpr int kColumns = kTileColumns;

  void accumulate(const unsigned char* stage) {
    constexpr int kInner = 32 / sizeof(Element);
    for (int warpgroup = 0; warpgroup < 2; ++warpgroup)
      for (int step = 0; step < Share::kSteps; ++step) {
        const DescribedMatrix a(
            Share::descriptor(DescribedMatrix::kBase + Share::left_offset(warpgroup, step)), stage);
        const DescribedMatrix b(Share::descriptor(DescribedMatrix::kBase + Share::right_offset(step)), stage);
        if (!a.valid || !b.valid) throw std::logic_error("not a matrix descriptor");
        for (int row = 0; row < Share::kRows; ++row)
          for (int column = 0; column < kColumns; ++column)
            for (int k = 0; k < kInner; ++k)
              sums_[warpgroup * Share::kRows + row][column] +=
                  Operands::left(a.at<Element>(row, k)) * Operands::right(b.at<Element>(column, k));
      }
  }

  // Register i of lane l of warp w of a warpgroup is row 16 w + l / 4 (and 8 more for i % 4 >= 2), column
  // i / 4 * 8 + l % 4 * 2 + i % 2.
  void write(Sum* result) const {
    for (int thread = 0; thread < tile::kThreads; ++thread)
      for (int i = 0; i < kColumns / 2; ++i) {
        const int lane = thread % 32;
        const int row = thread / 128 * 64 + thread % 128 / 32 * 16 + lane / 4 + i % 4 / 2 * 8;
        const int column = i / 4 * 8 + lane % 4 * 2 + i % 2;
        result[tile::WarpShare<kColumns>::result_offset(thread / 32 * 16, i / 4 * 8, i % 4, lane)] =
            sums_[row][column];
      }
  }

 private:
  Sum sums_[tile::kRows][kColumns] = {};
};

template <class Stored>
class EmulatedScalarMath {
 public:
  using Operands = FloatOperands<Stored>;
  using Sum = float;
  using Rows = tile::Rows64;
  static constexpr int kColumns = tile::ScalarMath::kColumns;

  void accumulate(const unsigned char* stage) {
    for (int thread = 0; thread < tile::kThreads; ++thread) threads_[thread].accumulate(stage, thread);
  }
  void write(float* result) const {
    for (int thread = 0; thread < tile::kThreads; ++thread) threads_[thread].write(result, thread);
  }

 private:
  std::array<tile::ScalarMath, tile::kThreads> threads_;
};

/// Copies at once.
struct EmulatedCopies {
  template <int kBytes>
  void start(void* destination, const void* source, bool exists) const {
    if (exists)
      std::memcpy(destination, source, kBytes);
    else
      std::memset(destination, 0, kBytes);
  }
};

template <class Math, template <class, int, class> class Loader>
void emulate_block(const kernels::ConvolutionArguments& a, int block) {
  using Rows = typename Math::Rows;
  constexpr int kColumns = Math::kColumns;
  const tile::Place place = tile::place_of_block(a, block, kColumns);
  std::uint32_t bits[tile::kMaskWords] = {};
  std::uint8_t used[tile::kMaxWindow] = {};
  const tile::TapRange range = tile::taps_of_rows(a, place.first_row, tile::kRows);
  for (int t = range.first; t < range.last; ++t)
    bits[a.work.taps[t].weight / 32] |= 1u << (a.work.taps[t].weight % 32);
  for (int thread = 0; thread < tile::kMaxWindow; ++thread)
    if (tile::uses(bits, thread)) used[tile::rank_of(bits, thread)] = static_cast<std::uint8_t>(thread);

  std::vector<Loader<typename Math::Operands::Element, kColumns, Rows>> loaders;
  for (int thread = 0; thread < tile::kThreads; ++thread)
    loaders.emplace_back(a, place, thread, used, tile::rank_of(bits, tile::kMaxWindow));
  const auto math = std::make_unique<Math>();
  AlignedBuffer memory(tile::shared_bytes<Rows>(kColumns));
  auto* stage = reinterpret_cast<unsigned char*>(memory.data());
  for (int step = 0; step < loaders[0].steps(); ++step) {
    std::memset(stage, 0xff, tile::stage_bytes<Rows>(kColumns));  // not numbers, unless written
    for (auto& loader : loaders) loader.load(stage, EmulatedCopies());
    math->accumulate(stage);
  }
  auto* result = reinterpret_cast<typename Math::Sum*>(stage);
  std::memset(stage, 0xff, memory.size());
  math->write(result);
  for (int thread = 0; thread < tile::kThreads; ++thread)
    Math::Operands::template finish<kColumns>(a, place, result, thread);
}

/// Everything that a launch computes.
template <class Math, template <class, int, class> class Loader = tile::Loader>
void emulate(kernels::ConvolutionArguments a) {
  a.group_tiles = (a.group_columns + Math::kColumns - 1) / Math::kColumns;
  const int tiles = (a.work.positions * a.rows + tile::kRows - 1) / tile::kRows;
  for (int block = 0; block < tiles * a.groups * a.group_tiles; ++block)
    emulate_block<Math, Loader>(a, block);
}

}  // namespace backdrop::test
