#include "engine/tile_cover.h"

#include <algorithm>
#include <cstdint>

#include "kernels/winograd.h"

namespace backdrop {
namespace {

using kernels::kTile;

// Which positions are wanted, row by row; the rows are the image's, or its columns.
struct Wanted {
  int rows = 0;
  int columns = 0;
  std::vector<std::uint8_t> values;

  bool at(int row, int column) const { return values[std::size_t(row) * columns + column] != 0; }
  bool has_any(int row) const {
    const auto first = values.begin() + std::ptrdiff_t{row} * columns;
    return std::find(first, first + columns, 1) != first + columns;
  }
  /// Calls `visit(column)` for each tile of the band of rows [row, row + height), as few as it takes.
  template <class Visit>
  void for_each_tile_of_band(int row, int height, const Visit& visit) const {
    const int last = std::min(row + height, rows);
    for (int column = 0; column < columns;) {
      bool wanted = false;
      for (int r = row; r < last; ++r) wanted = wanted || at(r, column);
      if (wanted) visit(column);
      column += wanted ? kTile : 1;
    }
  }
};

// Bands of up to kTile rows with the fewest tiles in all, by how many those from each row on need.
std::vector<TilePlace> cover_by_bands(const Wanted& wanted) {
  std::vector<int> fewest(wanted.rows + kTile + 1, 0);
  std::vector<int> height(wanted.rows, 0);  // of the band that starts at a row; 0: nothing is wanted there
  for (int row = wanted.rows - 1; row >= 0; --row) {
    fewest[row] = fewest[row + 1];
    if (!wanted.has_any(row)) continue;
    for (int h = kTile; h > 0; --h) {
      int tiles = fewest[row + h];
      wanted.for_each_tile_of_band(row, h, [&](int) { ++tiles; });
      if (height[row] != 0 && tiles >= fewest[row]) continue;
      fewest[row] = tiles;
      height[row] = h;
    }
  }
  std::vector<TilePlace> places;
  for (int row = 0; row < wanted.rows; row += std::max(1, height[row]))
    if (height[row] != 0)
      wanted.for_each_tile_of_band(row, height[row], [&](int column) { places.push_back({row, column}); });
  return places;
}

}  // namespace

std::vector<TilePlace> cover_with_tiles(const Layer& layer, const std::vector<kernels::Source>& kinds,
                                        kernels::Source kind) {
  Wanted by_rows{layer.out.height, layer.out.width, {}};
  Wanted by_columns{layer.out.width, layer.out.height, {}};
  for (const kernels::Source k : kinds) by_rows.values.push_back(k == kind ? 1 : 0);
  for (int x = 0; x < layer.out.width; ++x)
    for (int y = 0; y < layer.out.height; ++y) by_columns.values.push_back(by_rows.at(y, x) ? 1 : 0);
  std::vector<TilePlace> places = cover_by_bands(by_rows);
  std::vector<TilePlace> turned = cover_by_bands(by_columns);
  if (turned.size() >= places.size()) return places;
  for (TilePlace& place : turned) std::swap(place.y, place.x);
  return turned;
}

}  // namespace backdrop
