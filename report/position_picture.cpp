// Each position is drawn as the square of input pixels that it stands for.
#include "report/position_picture.h"

#include <array>

namespace backdrop {
namespace {

using Colour = std::array<std::uint8_t, 3>;

constexpr int kGap = 8;
constexpr Colour kPaper{255, 255, 255};

Colour colour_of(kernels::Source kind) {
  switch (kind) {
    case kernels::Source::background:
      return {166, 197, 226};
    case kernels::Source::foreground:
      return {104, 168, 104};
    case kernels::Source::mixed:
      break;
  }
  return {233, 137, 57};
}

// Darker along the edges of positions, where they are large enough to tell apart.
Colour pixel(const ValueShape& shape, const std::vector<kernels::Source>& kinds, int y, int x,
             const Image& panel) {
  const int row = y * shape.height / panel.height;
  const int column = x * shape.width / panel.width;
  Colour colour = colour_of(kinds[std::size_t(row) * shape.width + column]);
  const bool large = panel.height / shape.height >= 8;
  const bool edge =
      (y + 1) * shape.height / panel.height != row || (x + 1) * shape.width / panel.width != column;
  if (large && edge)
    for (auto& part : colour) part = static_cast<std::uint8_t>(part * 3 / 4);
  return colour;
}

}  // namespace

std::vector<int> pictured_values(const Network& network) {
  std::vector<int> values{0};
  const int last = first_fully_connected(network);
  for (int v = 1; v <= last && values.size() < 8; ++v) {
    const ValueShape& shape = network.shape(v);
    if (shape.height > 1 && (v == last || network.shape(v + 1).height != shape.height)) values.push_back(v);
  }
  return values;
}

Image draw_position_sets(const Network& network, const PositionSets& sets, std::span<const int> values) {
  const Image panel{network.input.height, network.input.width, {}};
  const int count = static_cast<int>(values.size());
  Image picture{panel.height, count * panel.width + (count - 1) * kGap, {}};
  for (int y = 0; y < picture.height; ++y) {
    for (int x = 0; x < picture.width; ++x) {
      const int index = x / (panel.width + kGap);
      const int in_panel = x % (panel.width + kGap);
      const Colour colour = in_panel >= panel.width ? kPaper
                                                    : pixel(network.shape(values[index]),
                                                            sets.kinds[values[index]], y, in_panel, panel);
      picture.pixels.insert(picture.pixels.end(), colour.begin(), colour.end());
    }
  }
  return picture;
}

}  // namespace backdrop
