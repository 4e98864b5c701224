// Colours, noise and shapes of the demo data. See demo_random.h for the rule that keeps pixels equal on all
// machines.
#include "loaders/demo_canvas.h"

#include <algorithm>
#include <cmath>

#include "loaders/demo_random.h"

namespace backdrop::demo {

namespace {

double length(Point p) {
  return std::sqrt(p.x * p.x + p.y * p.y);
}
Point minus(Point a, Point b) {
  return {a.x - b.x, a.y - b.y};
}
double dot(Point a, Point b) {
  return a.x * b.x + a.y * b.y;
}

Point turn_back(Point p, double turns) {
  if (turns == 0) return p;
  const double sine = wave(turns);
  const double cosine = wave(turns + 0.25);
  return {cosine * p.x + sine * p.y, cosine * p.y - sine * p.x};
}

double lattice(std::uint64_t seed, std::int64_t x, std::int64_t y) {
  const std::uint64_t cell =
      static_cast<std::uint64_t>(x) * 0x8DA6B343u ^ static_cast<std::uint64_t>(y) * 0xD8163841u;
  return static_cast<double>(mix(seed ^ cell) >> 40) * 0x1p-24;
}

double segment_distance(Point at, Point a, Point b) {
  const Point along = minus(b, a);
  const Point from = minus(at, a);
  const double share = clamp01(dot(from, along) / dot(along, along));
  return length({from.x - along.x * share, from.y - along.y * share});
}

double cross(Point a, Point b, Point at) {
  return (b.x - a.x) * (at.y - a.y) - (b.y - a.y) * (at.x - a.x);
}

}  // namespace

Color mix(const Color& from, const Color& to, double share) {
  return {from.red + (to.red - from.red) * share, from.green + (to.green - from.green) * share,
          from.blue + (to.blue - from.blue) * share};
}

Color scale(const Color& color, double factor) {
  return {color.red * factor, color.green * factor, color.blue * factor};
}

Image Canvas::image() const {
  Image image{.height = kImageSize, .width = kImageSize, .pixels = {}};
  image.pixels.reserve(pixels_.size() * 3);
  for (const Color& color : pixels_)
    for (const double value : {color.red, color.green, color.blue})
      image.pixels.push_back(static_cast<std::uint8_t>(clamp01(value) * 255 + 0.5));
  return image;
}

double clamp01(double value) {
  return std::clamp(value, 0.0, 1.0);
}

double smooth_step(double low, double high, double value) {
  const double share = clamp01((value - low) / (high - low));
  return share * share * (3 - 2 * share);
}

double wave(double turns) {
  const double phase = (turns - std::floor(turns)) * 2;
  const double half = phase < 1 ? phase : phase - 1;
  const double arch = 4 * half * (1 - half);
  const double value = arch * (0.775 + 0.225 * arch);
  return phase < 1 ? value : -value;
}

double noise(std::uint64_t seed, double x, double y) {
  const double left = std::floor(x);
  const double top = std::floor(y);
  const auto column = static_cast<std::int64_t>(left);
  const auto row = static_cast<std::int64_t>(top);
  const double u = smooth_step(0, 1, x - left);
  const double v = smooth_step(0, 1, y - top);
  const double upper = lattice(seed, column, row) * (1 - u) + lattice(seed, column + 1, row) * u;
  const double lower = lattice(seed, column, row + 1) * (1 - u) + lattice(seed, column + 1, row + 1) * u;
  return upper * (1 - v) + lower * v;
}

double fractal_noise(std::uint64_t seed, double x, double y, int octaves) {
  double sum = 0;
  double weight = 0.5;
  double total = 0;
  for (int octave = 0; octave < octaves; ++octave) {
    sum += weight * noise(seed + static_cast<std::uint64_t>(octave), x, y);
    total += weight;
    weight *= 0.5;
    x *= 2;
    y *= 2;
  }
  return sum / total;
}

double ellipse_distance(Point at, Point center, Point radii, double turns) {
  const Point p = turn_back(minus(at, center), turns);
  return (length({p.x / radii.x, p.y / radii.y}) - 1) * std::min(radii.x, radii.y);
}

double box_distance(Point at, Point center, Point half_size, double corner, double turns) {
  const Point p = turn_back(minus(at, center), turns);
  const double x = std::abs(p.x) - half_size.x + corner;
  const double y = std::abs(p.y) - half_size.y + corner;
  return length({std::max(x, 0.0), std::max(y, 0.0)}) + std::min(std::max(x, y), 0.0) - corner;
}

double stroke_distance(Point at, Point a, Point b, double radius_a, double radius_b) {
  const Point along = minus(b, a);
  const double share = clamp01(dot(minus(at, a), along) / dot(along, along));
  return segment_distance(at, a, b) - (radius_a + (radius_b - radius_a) * share);
}

double triangle_distance(Point at, Point a, Point b, Point c) {
  const double edge =
      std::min({segment_distance(at, a, b), segment_distance(at, b, c), segment_distance(at, c, a)});
  const double ab = cross(a, b, at);
  const double bc = cross(b, c, at);
  const double ca = cross(c, a, at);
  const bool inside = (ab >= 0 && bc >= 0 && ca >= 0) || (ab <= 0 && bc <= 0 && ca <= 0);
  return inside ? -edge : edge;
}

}  // namespace backdrop::demo
