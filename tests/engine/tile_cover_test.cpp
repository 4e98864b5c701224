#include "engine/tile_cover.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "engine/position_sets.h"

namespace backdrop {
namespace {

using kernels::Source;

Layer layer_of(int height, int width) {
  Layer layer;
  layer.out = {height, width, 16};
  return layer;
}

bool holds(const std::vector<TilePlace>& tiles, int y, int x) {
  return std::any_of(tiles.begin(), tiles.end(), [&](const TilePlace& tile) {
    return y >= tile.y && y < tile.y + kTile && x >= tile.x && x < tile.x + kTile;
  });
}

TEST(TileCover, HoldsEveryPositionWithNoMoreTilesThanAGrid) {
  std::mt19937 random(5);
  for (int round = 0; round < 200; ++round) {
    const int height = 1 + static_cast<int>(random() % 20);
    const int width = 1 + static_cast<int>(random() % 20);
    const unsigned rarity = 1 + random() % 12;
    std::vector<Source> kinds(std::size_t(height) * width);
    for (Source& kind : kinds) kind = random() % rarity == 0 ? Source::mixed : Source::background;
    const Layer layer = layer_of(height, width);
    const std::vector<TilePlace> tiles = cover_with_tiles(layer, kinds, Source::mixed);
    EXPECT_LE(std::int64_t(tiles.size()), count_tiles(layer, kinds, Source::mixed));
    for (int p = 0; p < height * width; ++p)
      EXPECT_TRUE(kinds[p] != Source::mixed || holds(tiles, p / width, p % width)) << "position " << p;
    for (const TilePlace& tile : tiles) {
      EXPECT_TRUE(tile.y >= 0 && tile.y < height);
      EXPECT_TRUE(tile.x >= 0 && tile.x < width);
    }
  }
}

TEST(TileCover, FollowsAThinBandInEitherDirection) {
  // Two columns wide, across the border of a grid's tiles: a grid needs eight.
  std::vector<Source> kinds(16 * 16, Source::background);
  for (int y = 0; y < 16; ++y) kinds[16 * y + 7] = kinds[16 * y + 8] = Source::mixed;
  EXPECT_EQ(cover_with_tiles(layer_of(16, 16), kinds, Source::mixed).size(), 4u);
  std::vector<Source> turned(16 * 16, Source::background);
  for (int x = 0; x < 16; ++x) turned[16 * 7 + x] = turned[16 * 8 + x] = Source::mixed;
  EXPECT_EQ(cover_with_tiles(layer_of(16, 16), turned, Source::mixed).size(), 4u);
}

TEST(TileCover, OfNothingIsEmpty) {
  const std::vector<Source> kinds(25, Source::foreground);
  EXPECT_TRUE(cover_with_tiles(layer_of(5, 5), kinds, Source::mixed).empty());
}

}  // namespace
}  // namespace backdrop
