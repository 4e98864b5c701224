// The block of a processor with tile registers: all rows of one position by four tiles of columns, or of two
// positions by two, so that a tile of weights is read half as often. Over a type D as in dot_block.inl, with
// multiply() of tiles. No include guard: included once a file.

#include "kernels/dot_finish.inl"

constexpr int kStrips = 4;  // tiles of columns that one position is multiplied by together
constexpr int kPairStrips = 2;
constexpr int kPair = 2;
constexpr std::size_t kPanelBytes = std::size_t{64} << 10;
constexpr int kTileGroups = kTileBytes / kGroupBytes;    // four-byte groups in a row
constexpr std::ptrdiff_t kWeightTile = 16 * kTileBytes;  // bytes

// The tiles, but for the sums: of each of two positions, or of one position and four strips, in tiles 0..3.
constexpr int kValues = 4;   // of each position
constexpr int kWeights = 6;  // of strips in turn

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

// A tap's channels in every row.
class TapValues {
 public:
  TapValues(const DotArguments& a, const Tap& tap, const TileBatch& batch)
      : rows_(a.input->rows[static_cast<int>(tap.source)]),
        place_(std::ptrdiff_t{tap.offset + a.first_channel} *
               static_cast<std::ptrdiff_t>(sizeof(typename D::Element))),
        first_(static_cast<const std::byte*>(rows_[0]) + place_),
        step_(batch.step[static_cast<int>(tap.source)]),
        count_(batch.rows) {}

  // kTileBytes from `byte` on.
  template <int Tile>
  void load(std::ptrdiff_t byte) const {
    step_ != kScattered ? load_tile<Tile>(first_ + byte, step_) : load_scattered<Tile>(byte);
  }

 private:
  template <int Tile>
  [[gnu::noinline]] void load_scattered(std::ptrdiff_t byte) const {
    alignas(64) std::byte gathered[kTileRows][kTileBytes];
    for (int r = 0; r < count_; ++r)
      _mm512_storeu_si512(gathered[r],
                          _mm512_loadu_si512(static_cast<const std::byte*>(rows_[r]) + place_ + byte));
    load_tile<Tile>(gathered, kTileBytes);
  }

  const void* const* rows_;
  std::ptrdiff_t place_;
  const std::byte* first_;
  std::ptrdiff_t step_;  // from row to row, or kScattered
  int count_;
};

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

// Calls `each` with the number, at most kStrips, as a constant.
template <class Each>
inline void with_strips(int strips, const Each& each) {
  switch (strips) {
    case 1:
      return each(std::integral_constant<int, 1>());
    case 2:
      return each(std::integral_constant<int, 2>());
    case 3:
      return each(std::integral_constant<int, 3>());
    default:
      return each(std::integral_constant<int, kStrips>());
  }
}

using TileSums = std::int32_t[kTileRows][kDotLanes];

// Products, and the way out of earlier ones while the tile registers are at work.
class TileRun {
 public:
  TileRun(const DotArguments& a, int rows)
      : a_(a),
        batch_{rows, {}},
        tap_bytes_(std::ptrdiff_t{a.groups} * kGroupBytes),
        ahead_(a.ahead),
        ahead_step_(a.ahead_step * kTileGroups / a.groups) {
    for (int kind = 0; kind < kSources; ++kind) batch_.step[kind] = row_step(*a.input, kind, rows);
  }

  template <int Strips>
  void multiply_single(const DotPosition& position, int strip) {
    const Waiting next = reserve(position, strip, Strips);
    start_sums<0, Strips>(a_, position, strip);
    const std::ptrdiff_t tap_bytes = tap_bytes_;
    const std::ptrdiff_t strip_bytes = tap_bytes * kDotLanes;
    for (const Tap& tap : position.taps) {
      const TapValues values(a_, tap, batch_);
      const std::byte* weights = weights_of(tap, strip);
      for (std::ptrdiff_t byte = 0; byte < tap_bytes; byte += kTileBytes, weights += kWeightTile) {
        ask_ahead();
        values.load<kValues>(byte);
        for_constants<Strips>([=](auto s) {
          load_tile<kWeights + s % 2>(weights + s * strip_bytes, kTileBytes);
          D::template multiply<s, kValues, kWeights + s % 2>();
        });
      }
    }
    finish_all();
    store<0, Strips>(next, 0);
    wait(next);
  }

  // Of two positions with the same weights.
  template <int Strips>
  void multiply_pair(const DotPosition* pair, int strip) {
    const Waiting next[kPair] = {reserve(pair[0], strip, Strips), reserve(pair[1], strip, Strips)};
    if constexpr (Strips > kPairStrips) {
      multiply_strips<kPairStrips>(pair, strip);
      if (waiting_count_ > 1) finish_next();
      store_pair<kPairStrips>(next, 0);
      multiply_strips<Strips - kPairStrips>(pair, strip + kPairStrips);
      finish_all();
      store_pair<Strips - kPairStrips>(next, kPairStrips);
    } else {
      multiply_strips<Strips>(pair, strip);
      finish_all();
      store_pair<Strips>(next, 0);
    }
    for (const Waiting& one : next) wait(one);
  }

  void finish_all() {
    while (waiting_count_ > 0) finish_next();
  }

 private:
  // The sums of a position by some strips.
  struct Waiting {
    const DotPosition* position;
    int strip;
    int strips;
    TileSums* sums;
  };
  static constexpr int kMostWaiting = kPair;
  static constexpr int kBuffers = kMostWaiting + kPair;

  Waiting reserve(const DotPosition& position, int strip, int strips) {
    buffer_ = (buffer_ + 1) % kBuffers;
    return {&position, strip, strips, sums_[buffer_]};
  }

  const std::byte* weights_of(const Tap& tap, int strip) const {
    return a_.panel + (std::ptrdiff_t{tap.weight} * a_.width + strip * kDotLanes) * tap_bytes_;
  }

  void ask_ahead() {
    const std::byte* const end = ahead_ + ahead_step_;
    for (; ahead_ < end; ahead_ += kLineBytes) __builtin_prefetch(ahead_, 0, 2);
  }

  // Only what has something added takes long enough to gain from it.
  void wait(const Waiting& next) {
    waiting_[waiting_count_++] = next;
    if (next.position->residual_tap == nullptr) finish_all();
  }

  template <int Strips>
  void multiply_strips(const DotPosition* pair, int strip) {
    start_sums<0, Strips>(a_, pair[0], strip);
    start_sums<Strips, Strips>(a_, pair[1], strip);
    const std::ptrdiff_t tap_bytes = tap_bytes_;
    const std::ptrdiff_t strip_bytes = tap_bytes * kDotLanes;
    for (std::size_t t = 0; t < pair[0].taps.size(); ++t) {
      const TapValues first(a_, pair[0].taps[t], batch_);
      const TapValues second(a_, pair[1].taps[t], batch_);
      const std::byte* weights = weights_of(pair[0].taps[t], strip);
      for (std::ptrdiff_t byte = 0; byte < tap_bytes; byte += kTileBytes, weights += kWeightTile) {
        ask_ahead();
        first.load<kValues>(byte);
        second.load<kValues + 1>(byte);
        for_constants<Strips>([=](auto s) {
          load_tile<kWeights + s>(weights + s * strip_bytes, kTileBytes);
          D::template multiply<s, kValues, kWeights + s>();
          D::template multiply<Strips + s, kValues + 1, kWeights + s>();
        });
      }
    }
  }

  template <int First, int Strips>
  void store(const Waiting& to, int strip) {
    for_constants<Strips>([&](auto s) { store_tile<First + s>(to.sums[strip + s], sizeof to.sums[0][0]); });
  }

  template <int Strips>
  void store_pair(const Waiting (&to)[kPair], int strip) {
    store<0, Strips>(to[0], strip);
    store<Strips, Strips>(to[1], strip);
  }

  void finish_next() {
    const Waiting done = waiting_[0];
    waiting_[0] = waiting_[1];
    --waiting_count_;
    with_strips(done.strips, [&](auto strips) { finish_strips<decltype(strips)::value>(done); });
  }

  template <int Strips>
  void finish_strips(const Waiting& done) {
    finish<Strips>(a_, *done.position, batch_.rows, done.strip * kDotLanes,
                   [&](int r, int v) { return D::load_start(done.sums[v][r], 0); });
  }

  const DotArguments& a_;
  TileBatch batch_;
  const std::ptrdiff_t tap_bytes_;  // of a row, and of a column's weights
  const std::byte* ahead_;          // weights that are asked for next
  const std::ptrdiff_t ahead_step_;
  Waiting waiting_[kMostWaiting] = {};
  int waiting_count_ = 0;
  int buffer_ = 0;
  alignas(64) TileSums sums_[kBuffers][kStrips];
};

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
  TileRun run(a, rows);
  const int strips = a.width / kDotLanes;
  for (std::size_t p = 0; p < positions.size();) {
    const bool pair = p + 1 < positions.size() && same_weights(positions[p], positions[p + 1]);
    for (int strip = 0; strip < strips; strip += kStrips)
      with_strips(strips - strip, [&](auto count) {
        if (pair)
          run.multiply_pair<decltype(count)::value>(&positions[p], strip);
        else
          run.multiply_single<decltype(count)::value>(positions[p], strip);
      });
    p += pair ? kPair : 1;
  }
  run.finish_all();
  release_tiles();
}
