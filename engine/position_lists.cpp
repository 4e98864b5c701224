// What is the same for every foreground: where values lie, and the lists that compute every position.
#include "engine/position_lists.h"

#include "engine/value_lifetimes.h"

namespace backdrop {
namespace {

using kernels::Source;
using kernels::Tap;

bool is_read_by_fully_connected(const Network& network, int value) {
  return value == std::ssize(network.layers) || network.layers[value].kind == LayerKind::fully_connected;
}

// Where positions are when all of every value are of one kind.
class WholeLayer {
 public:
  WholeLayer(const Network& network, Source kind, const BatchRows& rows)
      : network_(network), kind_(kind), rows_(rows) {}

  Tap locate(int value, int position, int weight) const {
    const std::int64_t stride = kind_ == Source::mixed ? mixed_layout(network_, value, rows_).position_stride
                                                       : network_.shape(value).channels;
    return {static_cast<std::int32_t>(position * stride), static_cast<std::int16_t>(weight), kind_};
  }

 private:
  const Network& network_;
  Source kind_;
  BatchRows rows_;
};

}  // namespace

MixedLayout mixed_layout(const Network& network, int value, const BatchRows& rows) {
  const ValueShape& shape = network.shape(value);
  const bool images = rows.images && value >= rows.cut;
  if (images || is_read_by_fully_connected(network, value)) return {shape.channels, shape.size()};
  return {std::int64_t{rows.of_value(value)} * shape.channels, shape.channels};
}

MemoryPlan plan_deep_values(const Network& network, const BatchRows& rows,
                            std::span<const std::size_t> element_bytes) {
  const std::vector<int> last = last_readers(network);
  std::vector<BufferLifetime> buffers;
  for (int v = 0; v <= first_fully_connected(network); ++v) {
    const bool inside = v >= rows.cut && v < first_fully_connected(network);
    const std::size_t elements = inside ? network.shape(v).size() * rows.deep : 0;
    const int residual = inside && v > 0 ? replaced_residual(network, last, v - 1) : -1;
    buffers.push_back({v - 1, last[v], elements * element_bytes_of(element_bytes, v),
                       residual >= rows.cut ? residual : -1});
  }
  return plan_memory(buffers);
}

PositionList whole_layer_list(const Network& network, int index, Source kind, const BatchRows& rows) {
  const Layer& layer = network.layers[index];
  const WholeLayer whole(network, kind, rows);
  PositionList list;
  const int positions = layer.out.height * layer.out.width;
  for (int p = 0; p < positions; ++p) {
    for_each_tap(layer, p, [&](int weight, int position) {
      list.taps.push_back(
          whole.locate(layer.input, position, layer.kind == LayerKind::average_pool ? 0 : weight));
    });
    list.first_tap.push_back(static_cast<std::int32_t>(list.taps.size()));
    list.output.push_back(whole.locate(index + 1, p, 0).offset);
    if (layer.residual >= 0) list.residual.push_back(whole.locate(layer.residual, p, 0));
  }
  return list;
}

std::shared_ptr<const TileList> whole_tile_list(const Network& network, int index, Source kind,
                                                const BatchRows& rows) {
  const Layer& layer = network.layers[index];
  if (!can_tile(layer)) return nullptr;
  const WholeLayer whole(network, kind, rows);
  const auto input = [&](int p) { return whole.locate(layer.input, p, 0); };
  const auto output = [&](int p) { return whole.locate(index + 1, p, 0).offset; };
  const auto residual = [&](int p) { return whole.locate(layer.residual, p, 0); };
  auto list = std::make_shared<TileList>();
  for_each_tile(layer, [&](int y0, int x0) { add_tile(layer, y0, x0, input, output, residual, *list); });
  return list;
}

}  // namespace backdrop
