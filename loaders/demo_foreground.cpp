// Places a figure in the picture and paints it, with soft edges as in a photo; the mask is where it covers
// more than half of a pixel.
#include "loaders/demo_foreground.h"

#include <algorithm>
#include <cmath>

namespace backdrop::demo {

namespace {

constexpr double kMargin = 14;   // pixels left for the background on every side
constexpr double kExtent = 1.6;  // no figure reaches further from its origin

double distance(const Part& part, Point at) {
  switch (part.shape) {
    case Part::Shape::ellipse:
      return ellipse_distance(at, part.a, part.b, part.turns);
    case Part::Shape::box:
      return box_distance(at, part.a, part.b, part.c.x, part.turns);
    case Part::Shape::stroke:
      return stroke_distance(at, part.a, part.b, part.c.x, part.c.y);
    case Part::Shape::triangle:
      break;
  }
  return triangle_distance(at, part.a, part.b, part.c);
}

double surface_light(Surface surface, Point at, std::uint64_t seed) {
  switch (surface) {
    case Surface::fur:
      return 0.86 + 0.28 * fractal_noise(seed, at.x * 9, at.y * 26, 2);
    case Surface::bands:
      return 1.05 - 0.55 * smooth_step(0.25, 0.55, wave(at.x * 3.4 + 0.5 * noise(seed, at.x * 3, at.y * 4)));
    case Surface::spots:
      return 1.05 - 0.75 * smooth_step(0.62, 0.70, noise(seed, at.x * 5.5, at.y * 5.5));
    case Surface::scales:
      return 0.95 + 0.16 * wave(at.x * 9 + at.y * 5) * wave(at.y * 9 - at.x * 5);
    case Surface::plain:
      break;
  }
  return 1;
}

/// Rounds a part off: darker towards its edge and its underside.
Color shade(const Part& part, Point at, double inside, std::uint64_t seed) {
  const double rim = smooth_step(0, 0.16, inside);
  return scale(part.color, (0.74 + 0.30 * rim - 0.10 * at.y) * surface_light(part.surface, at, seed));
}

/// From pixels to the figure's coordinates.
struct Pose {
  double scale = 1;  // pixels per unit
  Point center;      // pixel of the figure's origin
  double sine = 0;
  double cosine = 1;
  bool mirrored = false;

  Point to_figure(double x, double y) const {
    const double dx = (x - center.x) / scale;
    const double dy = (y - center.y) / scale;
    const Point turned{cosine * dx + sine * dy, cosine * dy - sine * dx};
    return {mirrored ? -turned.x : turned.x, turned.y};
  }
};

struct Extent {
  double area = 0;
  Point low{kExtent, kExtent};
  Point high{-kExtent, -kExtent};
};

/// Area and bounds of the posed figure at scale 1, on a coarse grid.
Extent measure(const Figure& figure, const Pose& pose) {
  constexpr int kGrid = 80;
  constexpr double kStep = 2 * kExtent / kGrid;
  Extent extent;
  for (int row = 0; row < kGrid; ++row)
    for (int column = 0; column < kGrid; ++column) {
      const Point at{(column + 0.5) * kStep - kExtent, (row + 0.5) * kStep - kExtent};
      const Point local = pose.to_figure(at.x, at.y);
      if (std::none_of(figure.begin(), figure.end(),
                       [&](const Part& part) { return distance(part, local) < 0; }))
        continue;
      extent.area += kStep * kStep;
      extent.low = {std::min(extent.low.x, at.x - kStep / 2), std::min(extent.low.y, at.y - kStep / 2)};
      extent.high = {std::max(extent.high.x, at.x + kStep / 2), std::max(extent.high.y, at.y + kStep / 2)};
    }
  return extent;
}

Pose choose_pose(const Figure& figure, Random& random) {
  Pose pose;
  const double turns = random.between(-0.07, 0.07);
  pose.sine = wave(turns);
  pose.cosine = wave(turns + 0.25);
  pose.mirrored = random.chance(0.5);
  const Extent extent = measure(figure, pose);

  const double room = kImageSize - 2 * kMargin;
  const double wanted = std::sqrt(random.between(0.12, 0.28) * kImageSize * kImageSize / extent.area);
  const double width = extent.high.x - extent.low.x;
  const double height = extent.high.y - extent.low.y;
  pose.scale = std::min(wanted, room / std::max(width, height));
  const auto place = [&](double low, double size) {
    return kMargin - low * pose.scale + random.between(0, 1) * (room - size * pose.scale);
  };
  pose.center.x = place(extent.low.x, width);
  pose.center.y = place(extent.low.y, height);
  return pose;
}

}  // namespace

Mask paint_foreground(Canvas& canvas, const Figure& figure, Random& random) {
  const Pose pose = choose_pose(figure, random);
  const std::uint64_t seed = random.next();
  Mask mask{.height = kImageSize, .width = kImageSize, .values = {}};
  mask.values.reserve(static_cast<std::size_t>(kImageSize) * kImageSize);
  for (int y = 0; y < kImageSize; ++y)
    for (int x = 0; x < kImageSize; ++x) {
      const Point at = pose.to_figure(x + 0.5, y + 0.5);
      double covered = 0;
      Color& pixel = canvas.at(x, y);
      if (at.x * at.x + at.y * at.y < kExtent * kExtent)
        for (const Part& part : figure) {
          const double inside = -distance(part, at);
          const double coverage = clamp01(inside * pose.scale + 0.5);
          if (coverage == 0) continue;
          pixel = mix(pixel, shade(part, at, inside, seed), coverage);
          covered = std::max(covered, coverage);
        }
      mask.values.push_back(covered > 0.5);
    }
  return mask;
}

}  // namespace backdrop::demo
