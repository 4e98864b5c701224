/// \file
/// What the demo's pictures are painted with: colours, noise and simple shapes.
#pragma once

#include <cstdint>
#include <vector>

#include "loaders/image.h"

namespace backdrop::demo {

/// Linear mixing of display values, each from 0 to 1.
struct Color {
  double red = 0;
  double green = 0;
  double blue = 0;
};

Color mix(const Color& from, const Color& to, double share);
Color scale(const Color& color, double factor);

struct Point {
  double x = 0;
  double y = 0;
};

/// A square picture of kImageSize, laid out [height][width].
class Canvas {
 public:
  Canvas() : pixels_(static_cast<std::size_t>(kImageSize) * kImageSize) {}

  Color& at(int x, int y) {
    return pixels_[static_cast<std::size_t>(y) * kImageSize + static_cast<std::size_t>(x)];
  }

  /// Sets every pixel to `color(x, y)`, coordinates from 0 to 1.
  template <typename ColorAt>
  void paint(const ColorAt& color) {
    for (int y = 0; y < kImageSize; ++y)
      for (int x = 0; x < kImageSize; ++x) at(x, y) = color((x + 0.5) / kImageSize, (y + 0.5) / kImageSize);
  }

  /// The picture in 8 bits a channel.
  Image image() const;

 private:
  std::vector<Color> pixels_;
};

double clamp01(double value);

/// 0 below `low`, 1 above `high`, smooth between them.
double smooth_step(double low, double high, double value);

/// A sine wave of period 1 (a parabola fit, within 0.1% of the sine), from -1 to 1.
double wave(double turns);

/// Smooth noise from 0 to 1 with features of size 1, and its sum over `octaves` doublings of the frequency.
double noise(std::uint64_t seed, double x, double y);
double fractal_noise(std::uint64_t seed, double x, double y, int octaves);

/// Signed distances to a shape's edge, negative inside.
double ellipse_distance(Point at, Point center, Point radii, double turns);
double box_distance(Point at, Point center, Point half_size, double corner, double turns);
/// A line from `a` to `b`, its half width going from `radius_a` to `radius_b`.
double stroke_distance(Point at, Point a, Point b, double radius_a, double radius_b);
double triangle_distance(Point at, Point a, Point b, Point c);

}  // namespace backdrop::demo
