// The sets against a definition that knows nothing of them: what kinds of pixels an output position can see,
// walked back to the input.
#include "engine/position_sets.h"

#include <gtest/gtest.h>

#include "tests/engine/random_network.h"

namespace backdrop {
namespace {

using kernels::Source;

// Whether the pixels that output `p` of value `v` can see include background, and foreground.
struct Sees {
  bool background = false;
  bool foreground = false;
};

Sees look(const Network& network, const Mask& mask, int v, int p) {
  if (v == 0) return {mask.values[p] == 0, mask.values[p] != 0};
  const Layer& layer = network.layers[v - 1];
  Sees result;
  const auto add = [&](const Sees& seen) {
    result.background |= seen.background;
    result.foreground |= seen.foreground;
  };
  for_each_tap(layer, p, [&](int, int position) { add(look(network, mask, layer.input, position)); });
  if (layer.residual >= 0) add(look(network, mask, layer.residual, p));
  return result;
}

TEST(PositionSets, EqualWhatEachPositionCanSee) {
  const int size = 9;
  for (unsigned seed = 0; seed < 4; ++seed) {
    const auto network = test::random_plain_network(size, seed);
    for (const std::string& name : test::mask_names()) {
      const Mask mask = test::make_mask(name, size, seed);
      const int layers = first_fully_connected(*network);
      const PositionSets sets = find_position_sets(*network, mask, layers);
      for (int v = 0; v <= std::min(layers, 4); ++v) {
        for (int p = 0; p < static_cast<int>(sets.kinds[v].size()); ++p) {
          const Sees seen = look(*network, mask, v, p);
          const Source expected = seen.background && seen.foreground ? Source::mixed
                                  : seen.foreground                  ? Source::foreground
                                                                     : Source::background;
          ASSERT_EQ(sets.kinds[v][p], expected) << name << ", value " << v << ", position " << p;
        }
      }
    }
  }
}

TEST(PositionSets, EverythingIsMixedFromTheHandOffOn) {
  const auto network = test::random_residual_network(17, 3);
  const Mask mask = test::make_mask("disc", 17, 3);
  const PositionSets sets = find_position_sets(*network, mask, 2);
  for (std::size_t v = 3; v < sets.kinds.size(); ++v)
    EXPECT_EQ(sets.count(static_cast<int>(v), Source::mixed), std::int64_t(sets.kinds[v].size()));
}

TEST(PositionSets, CostsAddUpToTheWholeLayer) {
  // Without padding every tap is inside the image: the parts must add up to the layer's multiply-adds.
  const auto network = test::random_residual_network(23, 5);
  const Mask mask = test::make_mask("disc", 23, 5);
  const PositionSets sets = find_position_sets(*network, mask, first_fully_connected(*network));
  for (int i = 0; i < first_fully_connected(*network); ++i) {
    const Layer& layer = network->layers[i];
    if (layer.kind != LayerKind::convolution || layer.padding > 0) continue;
    const PositionCost cost = cost_of_layer(*network, sets, i);
    const std::int64_t background = sets.count(i + 1, Source::background) * layer.in.channels / layer.groups *
                                    layer.kernel * layer.kernel * layer.out.channels;
    EXPECT_EQ(cost.multiply_adds + cost.start_multiply_adds + cost.foreground_multiply_adds + background,
              layer.macs());
  }
}

}  // namespace
}  // namespace backdrop
