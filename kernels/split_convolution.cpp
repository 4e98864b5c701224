// A chunk of rows goes through in blocks of depth: its terms and its sums stay in L2 while all weights of
// that depth pass by.
#include "kernels/split_convolution.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "core/rounding.h"
#include "kernels/dot_instructions.h"
#include "kernels/reduced_value.h"

namespace backdrop::kernels {
namespace {

constexpr int kLeastInputs = 128;                            // of an output: fewer do not pay for their terms
constexpr int kMostDepth = 16;                               // tiles
constexpr std::size_t kChunkBytes = std::size_t{576} << 10;  // of terms

std::array<Bf16, kSplitTerms> terms_of(float value) {
  std::array<Bf16, kSplitTerms> terms;
  for (Bf16& term : terms) {
    term = to_bf16(value);
    value -= to_float(term);
  }
  return terms;
}

SplitBlock tile_block() {
#if defined(__x86_64__)
  return split_block_amx();
#else
  return {};
#endif
}

// The rows of a tile from `first` on; the last one stands in for those behind it.
std::array<const float*, kSplitRows> tile_rows(const std::vector<const float*>& input, std::size_t first,
                                               int channel) {
  std::array<const float*, kSplitRows> rows;
  for (std::size_t r = 0; r < rows.size(); ++r)
    rows[r] = input[std::min(first + r, input.size() - 1)] + channel;
  return rows;
}

}  // namespace

bool SplitConvolution::applies(const ConvolutionShape& shape) {
  return dot_instructions(Precision::bf16) == DotInstructions::amx && shape.groups == 1 &&
         shape.channels % kSplitChannels == 0 && shape.kernel * shape.kernel * shape.channels >= kLeastInputs;
}

bool SplitConvolution::takes(const PositionWork& work) const {
  return 4 * std::int64_t(work.taps.size()) >= 3 * std::int64_t{window()} * work.positions();
}

SplitConvolution::SplitConvolution(const ConvolutionShape& shape, const float* weights, const float* bias)
    : shape_(shape), bias_(bias, bias + shape.out_channels), zeros_(shape.channels, 0.0f) {
  pack(weights);
}

// Tile by tile, so that whole lines are written.
void SplitConvolution::pack(const float* weights) {
  packed_ = AlignedBuffer(kSplitTileBytes * divide_up(shape_.out_channels, kSplitColumns) * tiles());
  std::fill_n(packed_.data(), packed_.size(), std::byte{0});
  constexpr std::size_t kTermBytes = kSplitTileBytes / kSplitTerms;
  std::byte* to = packed_.data();
  for (int first = 0; first < shape_.out_channels; first += kSplitColumns)
    for (int tile = 0; tile < tiles(); ++tile, to += kSplitTileBytes)
      for (int c = 0; c < kSplitChannels; ++c)
        for (int k = 0; k < std::min(kSplitColumns, shape_.out_channels - first); ++k) {
          const std::size_t filter = std::size_t(first + k) * shape_.channels;
          const std::size_t channel = tile % tap_tiles() * kSplitChannels + c;
          const auto terms = terms_of(weights[(filter + channel) * window() + tile / tap_tiles()]);
          const std::size_t place = (c / 2 * kSplitColumns + k) * 2 + c % 2;
          for (int term = 0; term < kSplitTerms; ++term)
            std::memcpy(to + term * kTermBytes + place * sizeof(Bf16), &terms[term], sizeof(Bf16));
        }
}

int SplitConvolution::depth() const {
  return std::min(kMostDepth, tiles());
}

int SplitConvolution::chunk_rows() const {
  const int together =
      static_cast<int>(kChunkBytes / kSplitTileBytes) / depth() * kSplitRows / kSplitTogether;
  return together * kSplitTogether;
}

std::size_t SplitConvolution::tile_bytes() const {
  return kSplitTileBytes * depth() * (chunk_rows() / kSplitRows);
}

bool SplitConvolution::has_several_blocks() const {
  return tiles() > kMostDepth;
}

// Where one block is all, only of the rows in hand.
std::ptrdiff_t SplitConvolution::sum_stride() const {
  return has_several_blocks() ? round_up(shape_.out_channels, kSplitPanelColumns) : kSplitPanelColumns;
}

std::size_t SplitConvolution::sum_floats() const {
  return std::size_t(has_several_blocks() ? chunk_rows() : kSplitTogether) * sum_stride();
}

// The terms of `depth` tiles from `first` on, those of a tap together.
void SplitConvolution::split_inputs(const Chunk& chunk, int first, int depth, std::byte* scratch) const {
  for (int tile = first; tile < first + depth;) {
    const std::vector<const float*>& input = chunk.input[tile / tap_tiles()];
    const int place = tile % tap_tiles();
    const int count = std::min(tap_tiles() - place, first + depth - tile);
    std::byte* to = scratch + kSplitTileBytes * (tile - first);
    auto rows = tile_rows(input, 0, place * kSplitChannels);
    for (std::size_t row = 0; row < input.size(); row += kSplitRows, to += kSplitTileBytes * depth) {
      const auto next = tile_rows(input, row + kSplitRows, place * kSplitChannels);
      const auto valid = static_cast<int>(std::min<std::size_t>(kSplitRows, input.size() - row));
      tile_block().split(rows.data(), next.data(), valid, count * kSplitChannels, to);
      rows = next;
    }
    tile += count;
  }
}

void SplitConvolution::run_chunk(const Chunk& chunk, float slope, std::byte* scratch) const {
  float* const sums = reinterpret_cast<float*>(scratch + tile_bytes());
  const bool several = has_several_blocks();
  SplitProduct product;
  product.values = scratch;
  product.strip_tiles = tiles();
  product.slope = slope;
  product.row_floats = sum_stride();
  product.step_floats = several ? kSplitTogether * sum_stride() : 0;
  for (int first = 0; first < tiles(); first += kMostDepth) {
    product.depth = std::min(kMostDepth, tiles() - first);
    product.add = first > 0;
    const bool last = first + product.depth == tiles();
    split_inputs(chunk, first, product.depth, scratch);
    for (int column = 0; column < shape_.out_channels; column += kSplitPanelColumns) {
      product.panel =
          packed_.data() + kSplitTileBytes * (std::size_t(column / kSplitColumns) * tiles() + first);
      product.first_column = column;
      product.columns = std::min(kSplitPanelColumns, shape_.out_channels - column);
      product.sums = several ? sums + column : sums;
      tile_block().multiply(product, static_cast<int>(chunk.rows.size()), last ? chunk.rows.data() : nullptr);
    }
  }
}

std::int64_t SplitConvolution::run(const PositionWork& work, int rows, const RowPointers& input,
                                   const RowPointers* residual, const float* starts, float slope,
                                   float* const* output, std::byte* scratch) const {
  const std::ptrdiff_t start_stride = round_up(shape_.out_channels, kSplitColumns);
  Chunk chunk;
  chunk.input.resize(window());
  const auto run_rest = [&] {
    if (!chunk.rows.empty()) run_chunk(chunk, slope, scratch);
    for (auto& tap : chunk.input) tap.clear();
    chunk.rows.clear();
  };
  for (int p = 0; p < work.positions(); ++p) {
    const int start = work.start.empty() ? -1 : work.start[p];
    for (int r = 0; r < rows; ++r) {
      for (auto& tap : chunk.input) tap.push_back(zeros_.data());
      for (const Tap& tap : work.taps_of(p)) chunk.input[tap.weight].back() = input.at(tap, r);
      chunk.rows.push_back({start < 0 ? bias_.data() : starts + start * start_stride,
                            work.residual.empty() ? nullptr : residual->at(work.residual[p], r),
                            output[r] + work.output[p]});
      if (static_cast<int>(chunk.rows.size()) == chunk_rows()) run_rest();
    }
  }
  run_rest();
  return std::int64_t{work.first_tap[work.positions()] - work.first_tap[0]} * rows * shape_.channels *
         shape_.out_channels;
}

}  // namespace backdrop::kernels
