// One foreground's lists, layer by layer, from its mask.
#include <algorithm>

#include "engine/position_lists.h"
#include "engine/tile_cover.h"
#include "engine/value_lifetimes.h"

namespace backdrop {
namespace {

using kernels::Source;
using kernels::Tap;

bool is_all_mixed(const PositionSets& sets, int value) {
  return sets.count(value, Source::mixed) == std::ssize(sets.kinds[value]);
}

// Deep values lie in memory that foregrounds share, the one that the fully connected layers read in theirs.
bool is_shallow(const PositionSets& sets, const BatchRows& rows, int value) {
  return value < rows.cut && value + 1 < std::ssize(sets.kinds);
}

// For each shallow value the residual that its mixed positions are written over, or -1. What is mixed in the
// residual is mixed in the sum, and keeps its place. A value that is all mixed has every position where
// whole_layer_list() says, and so must its residual.
std::vector<int> replaced_values(const Network& network, const PositionSets& sets, const BatchRows& rows) {
  const std::vector<int> last = last_readers(network);
  std::vector<int> replaced(sets.kinds.size(), -1);
  for (int v = 1; is_shallow(sets, rows, v); ++v) {
    const int residual = replaced_residual(network, last, v - 1);
    if (residual >= 0 && is_all_mixed(sets, v) == is_all_mixed(sets, residual)) replaced[v] = residual;
  }
  return replaced;
}

// Whether tiles beat the list for a layer's foreground-only positions: a list with a single row runs at a
// third of the block's speed, tiles at two thirds.
bool few_tiles(const Layer& layer, const std::vector<Source>& kinds) {
  const auto positions = std::count(kinds.begin(), kinds.end(), Source::foreground);
  return count_tiles(layer, kinds, Source::foreground) * kernels::kTilePoints < 2 * 9 * positions;
}

// Builds one foreground's lists layer by layer; `slots_[v][p]` numbers position p among those of its kind in
// value v.
class ListBuilder {
 public:
  ListBuilder(const Network& network, const BatchRows& rows, const PositionSets& sets,
              const std::vector<int>& replaced)
      : network_(network), rows_(rows), sets_(sets), slots_(sets.kinds.size()) {
    for (int v = 0; v < std::ssize(slots_); ++v) number_positions(v, replaced[v]);
  }

  LayerLists lists_of(int index, const WholeLists& whole) const {
    LayerLists lists;
    if (is_whole(index)) {
      lists.mixed = whole.positions[index];
      if (!whole.tiles.empty()) lists.tiles = whole.tiles[index];
      return lists;
    }
    const bool can_tile = !whole.tiles.empty() && whole.tiles[index] != nullptr;
    if (can_tile && few_tiles(network_.layers[index], sets_.kinds[index + 1]))
      lists.foreground_tiles = foreground_tiles(index);
    else
      lists.foreground = foreground_positions(index);
    if (can_tile && cost_of_layer(network_, sets_, index).tiled(whole.tile_effort))
      lists.tiles = mixed_tiles(index);
    else
      lists.mixed = mixed_positions(index, lists.starts);
    return lists;
  }

 private:
  // Whether every position of a layer is mixed and reads mixed ones: its lists are those of all foregrounds.
  bool is_whole(int index) const {
    const Layer& layer = network_.layers[index];
    return is_all_mixed(sets_, layer.input) && (layer.residual < 0 || is_all_mixed(sets_, layer.residual)) &&
           is_all_mixed(sets_, index + 1);
  }

  // Where position p of value v is, as the kernels address it.
  Tap locate(int v, int p, int weight) const {
    const Source kind = sets_.kinds[v][p];
    const std::int64_t channels = network_.shape(v).channels;
    std::int64_t offset = 0;
    switch (kind) {
      case Source::mixed:
        offset = slots_[v][p] * mixed_layout(network_, v, rows_).position_stride;
        break;
      case Source::background:
        offset = p * channels;
        break;
      case Source::foreground:
        offset = slots_[v][p] * channels;
        break;
    }
    return {static_cast<std::int32_t>(offset), static_cast<std::int16_t>(weight), kind};
  }

  std::shared_ptr<const PositionList> mixed_positions(int index, PositionList& starts) const {
    const std::vector<Source>& kinds = sets_.kinds[index + 1];
    auto list = std::make_shared<PositionList>();
    for (int p = 0; p < std::ssize(kinds); ++p)
      if (kinds[p] == Source::mixed) add_mixed(index, p, *list, starts);
    return list;
  }

  // Taps of a mixed position: a convolution's foreground taps go to the start sums, a pool keeps them.
  void add_mixed(int index, int p, PositionList& mixed, PositionList& starts) const {
    const Layer& layer = network_.layers[index];
    const bool split = layer.kind == LayerKind::convolution;
    const std::size_t before = starts.taps.size();
    for_each_tap(layer, p, [&](int weight, int position) {
      const Tap tap = locate(layer.input, position, layer.kind == LayerKind::average_pool ? 0 : weight);
      (split && tap.source == Source::foreground ? starts : mixed).taps.push_back(tap);
    });
    mixed.first_tap.push_back(static_cast<std::int32_t>(mixed.taps.size()));
    mixed.output.push_back(locate(index + 1, p, 0).offset);
    if (layer.residual >= 0) mixed.residual.push_back(locate(layer.residual, p, 0));
    if (!split) return;
    if (starts.taps.size() == before) {
      mixed.start.push_back(-1);
      return;
    }
    const auto row = static_cast<std::int32_t>(starts.output.size());
    mixed.start.push_back(row);
    starts.output.push_back(row * start_stride(layer));
    starts.first_tap.push_back(static_cast<std::int32_t>(starts.taps.size()));
  }

  // Tiles over all mixed positions of a layer, with only those as outputs, each once.
  std::shared_ptr<const TileList> mixed_tiles(int index) const {
    const Layer& layer = network_.layers[index];
    const std::vector<Source>& kinds = sets_.kinds[index + 1];
    const auto input = [&](int p) { return locate(layer.input, p, 0); };
    std::vector<bool> done(kinds.size(), false);
    const auto output = [&](int p) {
      if (kinds[p] != Source::mixed || done[p]) return -1;
      done[p] = true;
      return locate(index + 1, p, 0).offset;
    };
    const auto residual = [&](int p) { return locate(layer.residual, p, 0); };
    auto list = std::make_shared<TileList>();
    for (const TilePlace& place : cover_with_tiles(layer, kinds, Source::mixed))
      add_tile(layer, place.y, place.x, input, output, residual, *list);
    return list;
  }

  // Every tile that holds a foreground-only position. What such a position does not see is left out as zeros.
  TileList foreground_tiles(int index) const {
    const Layer& layer = network_.layers[index];
    const std::vector<Source>& inputs = sets_.kinds[layer.input];
    const std::vector<Source>& kinds = sets_.kinds[index + 1];
    const auto input = [&](int p) {
      return inputs[p] == Source::foreground ? locate(layer.input, p, 0)
                                             : Tap{0, kernels::kOutside, Source::mixed};
    };
    const auto output = [&](int p) {
      return kinds[p] == Source::foreground ? locate(index + 1, p, 0).offset : -1;
    };
    const auto residual = [&](int p) { return locate(layer.residual, p, 0); };
    TileList list;
    for_each_tile(layer, [&](int y0, int x0) {
      if (tile_holds(layer, kinds, Source::foreground, y0, x0))
        add_tile(layer, y0, x0, input, output, residual, list);
    });
    return list;
  }

  PositionList foreground_positions(int index) const {
    const Layer& layer = network_.layers[index];
    const std::vector<Source>& kinds = sets_.kinds[index + 1];
    PositionList list;
    for (int p = 0; p < std::ssize(kinds); ++p) {
      if (kinds[p] != Source::foreground) continue;
      for_each_tap(layer, p, [&](int weight, int position) {
        list.taps.push_back(
            locate(layer.input, position, layer.kind == LayerKind::average_pool ? 0 : weight));
      });
      list.first_tap.push_back(static_cast<std::int32_t>(list.taps.size()));
      list.output.push_back(locate(index + 1, p, 0).offset);
      if (layer.residual >= 0) list.residual.push_back(locate(layer.residual, p, 0));
    }
    return list;
  }

  // In their order, but for mixed positions that have their number from the value `replaced`.
  void number_positions(int value, int replaced) {
    const std::vector<Source>& kinds = sets_.kinds[value];
    const auto kept = [&](std::size_t p) {
      return replaced >= 0 && sets_.kinds[replaced][p] == Source::mixed;
    };
    std::int32_t next[kernels::kSources] = {};
    if (replaced >= 0)
      next[static_cast<int>(Source::mixed)] = static_cast<std::int32_t>(sets_.count(replaced, Source::mixed));
    for (std::size_t p = 0; p < kinds.size(); ++p)
      slots_[value].push_back(kept(p) ? slots_[replaced][p] : next[static_cast<int>(kinds[p])]++);
  }

  const Network& network_;
  BatchRows rows_;
  const PositionSets& sets_;
  std::vector<std::vector<std::int32_t>> slots_;
};

// Values that are not shallow get no room here.
MemoryPlan plan_mixed(const Network& network, const PositionSets& sets, const BatchRows& rows,
                      const std::vector<int>& replaced, std::span<const std::size_t> element_bytes) {
  const std::vector<int> last = last_readers(network);
  std::vector<BufferLifetime> buffers;
  for (int v = 0; v < static_cast<int>(sets.kinds.size()); ++v) {
    const std::int64_t elements =
        is_shallow(sets, rows, v) ? sets.count(v, Source::mixed) * rows.shallow * network.shape(v).channels
                                  : 0;
    buffers.push_back({v - 1, last[v], elements * element_bytes_of(element_bytes, v), replaced[v]});
  }
  return plan_memory(buffers);
}

}  // namespace

ForegroundLists make_foreground_lists(const Network& network, const Mask& mask, int hand_off,
                                      const BatchRows& rows, const WholeLists& whole) {
  ForegroundLists lists;
  lists.sets = find_position_sets(network, mask, hand_off);
  const std::vector<int> replaced = replaced_values(network, lists.sets, rows);
  const ListBuilder builder(network, rows, lists.sets, replaced);
  const int layers = static_cast<int>(whole.positions.size());

  for (int v = 0; v <= layers; ++v) {
    lists.foreground_offset.push_back(lists.foreground_elements);
    lists.foreground_elements +=
        whole_chunks(lists.sets.count(v, Source::foreground) * network.shape(v).channels);
  }
  lists.mixed = plan_mixed(network, lists.sets, rows, replaced, whole.element_bytes);
  for (int i = 0; i < layers; ++i) {
    lists.starts_offset.push_back(lists.start_sums);
    const LayerLists& layer = lists.layers.emplace_back(builder.lists_of(i, whole));
    lists.start_sums += std::ssize(layer.starts.output) * start_stride(network.layers[i]);
  }
  return lists;
}

}  // namespace backdrop
