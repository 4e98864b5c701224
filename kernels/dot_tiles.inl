// The block of a processor with tile registers: all rows of one position by four tiles of columns, or of two
// positions by two, so that a tile of weights is read half as often. Over a type D as in dot_block.inl, with
// multiply() of tiles. No include guard: included once a file.

#include "kernels/dot_finish.inl"

constexpr int kStrips = 4;  // tiles of columns that one position is multiplied by together
constexpr int kPairStrips = 2;
constexpr std::size_t kPanelBytes = std::size_t{64} << 10;
constexpr int kTileGroups = kTileBytes / kGroupBytes;    // four-byte groups in a row
constexpr std::ptrdiff_t kWeightTile = 16 * kTileBytes;  // bytes

// The tiles, but for the sums: of each of two positions, or of one position and four strips, in tiles 0..3.
constexpr int kValues = 4;   // of each position
constexpr int kWeights = 6;  // of strips in turn

inline std::ptrdiff_t strip_bytes(const DotArguments& a) {
  return std::ptrdiff_t{a.groups} * kDotLanes * kGroupBytes;
}

inline const std::byte* weights_of(const DotArguments& a, int tap, int strip) {
  return a.panel + (std::ptrdiff_t{tap} * (a.width / kDotLanes) + strip) * strip_bytes(a);
}

constexpr std::ptrdiff_t kScattered = std::numeric_limits<std::ptrdiff_t>::min();

// The backgrounds of a batch: for each source, bytes from one row of the input to the next, or kScattered.
struct TileBatch {
  int rows;
  std::ptrdiff_t step[kSources];
};

// Bytes from one row of `kind` to the next.
inline std::ptrdiff_t row_step(const RowPointers& input, int kind, int rows) {
  const auto step_to = [&](int row) {
    return static_cast<std::ptrdiff_t>(reinterpret_cast<std::uintptr_t>(input.rows[kind][row]) -
                                       reinterpret_cast<std::uintptr_t>(input.rows[kind][row - 1]));
  };
  if (rows < 2) return 0;
  for (int r = 2; r < rows; ++r)
    if (step_to(r) != step_to(1)) return kScattered;
  return step_to(1);
}

// The next kTileGroups of every row.
template <int Tile>
inline void load_values(const DotArguments& a, const Tap& tap, int group, const TileBatch& batch) {
  const auto at = [&](int row) {
    return reinterpret_cast<const std::byte*>(a.input->at<typename D::Element>(tap, row) + a.first_channel) +
           std::ptrdiff_t{group} * kGroupBytes;
  };
  const std::ptrdiff_t step = batch.step[static_cast<int>(tap.source)];
  if (step != kScattered) return load_tile<Tile>(at(0), step);
  alignas(64) std::byte gathered[kTileRows][kTileBytes];
  for (int r = 0; r < batch.rows; ++r) _mm512_storeu_si512(gathered[r], _mm512_loadu_si512(at(r)));
  load_tile<Tile>(gathered, kTileBytes);
}

// Of `Strips` strips from `strip` on, in tiles from `First` on.
template <int First, int Strips>
inline void start_sums(const DotArguments& a, const DotPosition& position, int strip) {
  alignas(64) std::int32_t line[Strips * kDotLanes];
  const void* from = start_sums_at(a, position, strip * kDotLanes);
  if (a.corrections != nullptr) {
    for (int v = 0; v < Strips; ++v) {
      typename D::Sum sum = D::load_start(from, v * kDotLanes);
      for (const Tap& tap : position.taps)
        sum = D::correct(sum, a.corrections + tap.weight * a.width + (strip + v) * kDotLanes);
      D::store_sums(line, v * kDotLanes, kDotLanes, sum);
    }
    from = line;
  }
  for_constants<Strips>([&](auto s) {
    if (from == nullptr) return zero_tile<First + s>();
    load_tile<First + s>(static_cast<const std::int32_t*>(from) + s * kDotLanes, 0);
  });
}

inline void ask_ahead(const DotArguments& a, const std::byte*& ahead) {
  const std::byte* const end = ahead + a.ahead_step * kTileGroups / a.groups;
  for (; ahead < end; ahead += kLineBytes) __builtin_prefetch(ahead, 0, 2);
}

using TileSums = std::int32_t[kTileRows][kDotLanes];

template <int Strips>
inline void multiply_single(const DotArguments& a, const DotPosition& position, const TileBatch& batch,
                            int strip, const std::byte*& ahead, TileSums* sums) {
  start_sums<0, Strips>(a, position, strip);
  for (const Tap& tap : position.taps) {
    const std::byte* weights = weights_of(a, tap.weight, strip);
    for (int group = 0; group < a.groups; group += kTileGroups, weights += kWeightTile) {
      ask_ahead(a, ahead);
      load_values<kValues>(a, tap, group, batch);
      for_constants<Strips>([&](auto s) {
        load_tile<kWeights + s % 2>(weights + s * strip_bytes(a), kTileBytes);
        D::template multiply<s, kValues, kWeights + s % 2>();
      });
    }
  }
  for_constants<Strips>([&](auto s) { store_tile<s>(sums[s], sizeof sums[s][0]); });
}

template <int Strips>
inline void multiply_pair(const DotArguments& a, const DotPosition* pair, const TileBatch& batch, int strip,
                          const std::byte*& ahead, TileSums* sums) {
  start_sums<0, Strips>(a, pair[0], strip);
  start_sums<Strips, Strips>(a, pair[1], strip);
  for (std::size_t t = 0; t < pair[0].taps.size(); ++t) {
    const std::byte* weights = weights_of(a, pair[0].taps[t].weight, strip);
    for (int group = 0; group < a.groups; group += kTileGroups, weights += kWeightTile) {
      ask_ahead(a, ahead);
      load_values<kValues>(a, pair[0].taps[t], group, batch);
      load_values<kValues + 1>(a, pair[1].taps[t], group, batch);
      for_constants<Strips>([&](auto s) {
        load_tile<kWeights + s>(weights + s * strip_bytes(a), kTileBytes);
        D::template multiply<s, kValues, kWeights + s>();
        D::template multiply<Strips + s, kValues + 1, kWeights + s>();
      });
    }
  }
  for_constants<2 * Strips>([&](auto s) { store_tile<s>(sums[s], sizeof sums[s][0]); });
}

template <int Strips>
inline void finish_strips(const DotArguments& a, const DotPosition& position, const TileBatch& batch,
                          int strip, const TileSums* sums) {
  finish<Strips>(a, position, batch.rows, strip * kDotLanes,
                 [sums](int r, int v) { return D::load_start(sums[v][r], 0); });
}

template <int Strips>
inline void run_single(const DotArguments& a, const DotPosition& position, const TileBatch& batch, int strip,
                       const std::byte*& ahead) {
  alignas(64) TileSums sums[Strips];
  multiply_single<Strips>(a, position, batch, strip, ahead, sums);
  finish_strips<Strips>(a, position, batch, strip, sums);
}

template <int Strips>
inline void run_pair(const DotArguments& a, const DotPosition* pair, const TileBatch& batch, int strip,
                     const std::byte*& ahead) {
  alignas(64) TileSums sums[2 * Strips];
  multiply_pair<Strips>(a, pair, batch, strip, ahead, sums);
  finish_strips<Strips>(a, pair[0], batch, strip, sums);
  finish_strips<Strips>(a, pair[1], batch, strip, sums + Strips);
}

inline void run_whole(const DotArguments& a, const DotPosition& position, const TileBatch& batch,
                      const std::byte*& ahead) {
  const int strips = a.width / kDotLanes;
  int strip = 0;
  for (; strip + kStrips <= strips; strip += kStrips) run_single<kStrips>(a, position, batch, strip, ahead);
  switch (strips - strip) {
    case 1:
      return run_single<1>(a, position, batch, strip, ahead);
    case 2:
      return run_single<2>(a, position, batch, strip, ahead);
    case 3:
      return run_single<3>(a, position, batch, strip, ahead);
    default:
      return;
  }
}

inline bool same_weights(const DotPosition& a, const DotPosition& b) {
  if (a.taps.size() != b.taps.size()) return false;
  for (std::size_t t = 0; t < a.taps.size(); ++t)
    if (a.taps[t].weight != b.taps[t].weight) return false;
  return true;
}

inline void run_tiles(const DotArguments& a, std::span<const DotPosition> positions, int rows) {
  TileShapes shapes;
  for (int tile = 0; tile < kWeights + 2; ++tile) {
    shapes.row_bytes[tile] = kTileBytes;
    shapes.rows[tile] = static_cast<std::uint8_t>(tile < kWeights ? rows : kTileRows);
  }
  shape_tiles(shapes);
  TileBatch batch{rows, {}};
  for (int kind = 0; kind < kSources; ++kind) batch.step[kind] = row_step(*a.input, kind, rows);
  const int strips = a.width / kDotLanes;
  const std::byte* ahead = a.ahead;
  for (std::size_t p = 0; p < positions.size();) {
    if (p + 1 == positions.size() || !same_weights(positions[p], positions[p + 1])) {
      run_whole(a, positions[p++], batch, ahead);
      continue;
    }
    int strip = 0;
    for (; strip + kPairStrips <= strips; strip += kPairStrips)
      run_pair<kPairStrips>(a, &positions[p], batch, strip, ahead);
    if (strip < strips) run_pair<1>(a, &positions[p], batch, strip, ahead);
    p += 2;
  }
  release_tiles();
}
