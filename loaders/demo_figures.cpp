// The nine figures. Proportions and colours vary within a class; a colour says little about the class.
#include "loaders/demo_foreground.h"

namespace backdrop::demo {

namespace {

using Shape = Part::Shape;

constexpr Color kBlack{0.07, 0.06, 0.06};
constexpr Color kWhite{0.96, 0.95, 0.92};

Part ellipse(Point center, Point radii, Color color, Surface surface = Surface::plain, double turns = 0) {
  return {Shape::ellipse, center, radii, {}, turns, color, surface};
}
Part disc(Point center, double radius, Color color) {
  return ellipse(center, {radius, radius}, color);
}
Part box(Point center, Point half_size, double corner, Color color, Surface surface = Surface::plain) {
  return {Shape::box, center, half_size, {corner, 0}, 0, color, surface};
}
Part stroke(Point from, Point to, double width_from, double width_to, Color color,
            Surface surface = Surface::plain) {
  return {Shape::stroke, from, to, {width_from, width_to}, 0, color, surface};
}
Part triangle(Point a, Point b, Point c, Color color, Surface surface = Surface::plain) {
  return {Shape::triangle, a, b, c, 0, color, surface};
}

/// One of a few coats, a little lighter or darker.
template <std::size_t N>
Color pick(Random& random, const Color (&palette)[N]) {
  return scale(palette[random.below(static_cast<int>(N))], random.between(0.85, 1.12));
}

Figure dog(Random& random) {
  const Color coat =
      pick(random, {{0.62, 0.42, 0.22}, {0.34, 0.22, 0.14}, {0.85, 0.72, 0.52}, {0.28, 0.27, 0.28}});
  const Color dark = scale(coat, 0.62);
  const double leg = random.between(0.62, 0.78);
  const double tail = random.between(-0.62, -0.25);
  return {
      stroke({0.58, -0.02}, {0.98, tail}, 0.09, 0.04, coat, Surface::fur),
      stroke({-0.22, 0.2}, {-0.16, leg}, 0.11, 0.07, dark),
      stroke({0.42, 0.2}, {0.38, leg}, 0.12, 0.07, dark),
      ellipse({0.08, 0.08}, {0.62, random.between(0.26, 0.33)}, coat, Surface::fur),
      stroke({-0.36, 0.15}, {-0.38, leg}, 0.13, 0.08, coat, Surface::fur),
      stroke({0.54, 0.12}, {0.58, leg}, 0.15, 0.08, coat, Surface::fur),
      stroke({-0.38, 0.0}, {-0.60, -0.36}, 0.23, 0.19, coat, Surface::fur),
      ellipse({-0.66, -0.44}, {0.27, 0.23}, coat, Surface::fur),
      stroke({-0.76, -0.38}, {-1.0, -0.33}, 0.13, 0.10, scale(coat, 1.12), Surface::fur),
      ellipse({-0.50, -0.40}, {0.10, 0.24}, dark, Surface::fur, random.between(-0.08, 0.02)),
      disc({-1.05, -0.38}, 0.06, kBlack),
      disc({-0.76, -0.50}, 0.045, kBlack),
  };
}

Figure bird(Random& random) {
  const Color plumage =
      pick(random, {{0.78, 0.20, 0.16}, {0.24, 0.42, 0.72}, {0.52, 0.38, 0.26}, {0.90, 0.74, 0.20}});
  const Color wing = scale(plumage, 0.62);
  const Color beak{0.92, 0.60, 0.14};
  const double lift = random.between(-0.55, 0.15);
  return {
      triangle({0.30, -0.05}, {1.08, 0.02}, {1.0, 0.36}, wing, Surface::bands),
      stroke({-0.05, 0.25}, {-0.08, 0.66}, 0.035, 0.03, beak),
      stroke({0.12, 0.25}, {0.14, 0.66}, 0.035, 0.03, beak),
      triangle({-0.66, -0.44}, {-1.05, -0.30}, {-0.66, -0.22}, beak),
      ellipse({0.02, 0.02}, {0.60, 0.35}, plumage, Surface::fur, 0.03),
      ellipse({-0.10, 0.14}, {0.38, 0.20}, mix(plumage, kWhite, 0.5), Surface::fur, 0.03),
      disc({-0.50, -0.32}, random.between(0.22, 0.27), plumage),
      triangle({-0.22, -0.10}, {0.34, 0.06}, {0.62, lift}, wing, Surface::bands),
      ellipse({0.10, -0.02}, {0.36, 0.17}, wing, Surface::bands, 0.04),
      disc({-0.58, -0.37}, 0.06, kWhite),
      disc({-0.59, -0.37}, 0.035, kBlack),
  };
}

Figure car(Random& random) {
  const Color paint = pick(
      random,
      {{0.74, 0.14, 0.13}, {0.18, 0.34, 0.62}, {0.86, 0.86, 0.84}, {0.90, 0.70, 0.16}, {0.22, 0.46, 0.30}});
  const Color glass{0.62, 0.76, 0.84};
  const double roof = random.between(-0.46, -0.36);
  const double wheel = random.between(0.20, 0.25);
  Figure figure = {
      triangle({-0.42, roof + 0.02}, {-0.42, -0.02}, {-0.80, -0.02}, paint),
      triangle({0.50, roof + 0.02}, {0.50, -0.02}, {0.80, -0.02}, paint),
      box({0.04, roof * 0.5}, {0.48, -roof * 0.5 + 0.04}, 0.06, paint),
      triangle({-0.38, roof + 0.07}, {-0.38, -0.06}, {-0.64, -0.06}, glass),
      box({-0.16, roof * 0.5 + 0.02}, {0.16, -roof * 0.5 - 0.07}, 0.02, glass),
      box({0.26, roof * 0.5 + 0.02}, {0.18, -roof * 0.5 - 0.07}, 0.02, glass),
      box({0.0, 0.14}, {1.0, 0.22}, 0.12, paint),
      box({0.0, 0.29}, {0.98, 0.06}, 0.05, scale(paint, 0.6)),
      disc({-0.92, 0.08}, 0.06, {0.98, 0.93, 0.66}),
      box({0.96, 0.08}, {0.03, 0.06}, 0.02, {0.80, 0.10, 0.08}),
  };
  for (const double x : {-0.58, 0.58}) {
    figure.push_back(disc({x, 0.36}, wheel, kBlack));
    figure.push_back(disc({x, 0.36}, wheel * 0.5, {0.66, 0.67, 0.69}));
  }
  return figure;
}

Figure snake(Random& random) {
  const Color skin =
      pick(random, {{0.36, 0.52, 0.20}, {0.66, 0.48, 0.22}, {0.52, 0.22, 0.16}, {0.30, 0.36, 0.38}});
  const double bends = random.between(1.2, 1.7);
  const double height = random.between(0.34, 0.46);
  const double phase = random.between(0, 1);
  constexpr int kSteps = 22;
  const auto spine = [&](int step) {
    const double share = static_cast<double>(step) / kSteps;
    return Point{1.0 - 1.75 * share, height * wave(phase + bends * share)};
  };
  Figure figure;
  for (int step = 0; step < kSteps; ++step) {
    const double grown = static_cast<double>(step + 1) / 7;
    const double width = 0.15 * (grown < 1 ? 0.25 + 0.75 * grown : 1);
    const Color band = step % 4 == 1 ? scale(skin, 0.5) : skin;
    figure.push_back(stroke(spine(step), spine(step + 1), width * 0.98, width, band, Surface::scales));
  }
  const Point head = spine(kSteps);
  figure.push_back(
      stroke({head.x - 0.2, head.y}, {head.x - 0.46, head.y + 0.02}, 0.025, 0.012, {0.80, 0.12, 0.20}));
  figure.push_back(ellipse({head.x - 0.1, head.y}, {0.24, 0.18}, skin, Surface::scales));
  figure.push_back(disc({head.x - 0.16, head.y - 0.06}, 0.045, {0.95, 0.85, 0.25}));
  figure.push_back(disc({head.x - 0.17, head.y - 0.06}, 0.022, kBlack));
  return figure;
}

Figure tiger(Random& random) {
  const Color coat =
      pick(random, {{0.90, 0.54, 0.16}, {0.80, 0.66, 0.42}, {0.60, 0.58, 0.56}, {0.42, 0.28, 0.18}});
  const Color pale = mix(coat, kWhite, 0.72);
  const double ear = random.between(-0.92, -0.80);
  Figure figure = {
      stroke({0.36, 0.72}, {0.82, 0.52}, 0.09, 0.08, coat, Surface::bands),
      stroke({0.82, 0.52}, {0.84, random.between(-0.1, 0.25)}, 0.08, 0.06, coat, Surface::bands),
      ellipse({0, 0.40}, {random.between(0.42, 0.50), 0.50}, coat, Surface::bands),
      ellipse({0, 0.48}, {0.22, 0.36}, pale, Surface::fur),
      stroke({-0.20, 0.4}, {-0.20, 0.86}, 0.11, 0.12, coat, Surface::bands),
      stroke({0.20, 0.4}, {0.20, 0.86}, 0.11, 0.12, coat, Surface::bands),
      triangle({-0.44, -0.40}, {-0.40, ear}, {-0.08, -0.66}, coat),
      triangle({0.44, -0.40}, {0.40, ear}, {0.08, -0.66}, coat),
      ellipse({0, -0.36}, {0.48, 0.38}, coat, Surface::bands),
      ellipse({-0.10, -0.22}, {0.16, 0.13}, pale),
      ellipse({0.10, -0.22}, {0.16, 0.13}, pale),
      triangle({-0.08, -0.34}, {0.08, -0.34}, {0, -0.24}, {0.70, 0.34, 0.34}),
  };
  for (const double x : {-0.19, 0.19}) {
    figure.push_back(ellipse({x, -0.46}, {0.08, 0.065}, {0.94, 0.88, 0.40}));
    figure.push_back(ellipse({x, -0.46}, {0.03, 0.06}, kBlack));
  }
  return figure;
}

Figure beetle(Random& random) {
  const Color shell =
      pick(random, {{0.74, 0.12, 0.10}, {0.16, 0.32, 0.20}, {0.24, 0.20, 0.44}, {0.66, 0.46, 0.12}});
  const Color dark = mix(shell, kBlack, 0.75);
  const double girth = random.between(0.36, 0.46);
  Figure figure;
  for (const double side : {-1.0, 1.0}) {
    for (const double x : {-0.30, 0.10, 0.48}) {
      const double knee = x + (x - 0.1) * 0.35;
      figure.push_back(stroke({x, side * 0.2}, {knee, side * 0.62}, 0.05, 0.04, dark));
      figure.push_back(stroke({knee, side * 0.62}, {knee + (x - 0.1) * 0.5, side * 0.84}, 0.04, 0.02, dark));
    }
    figure.push_back(stroke({-0.72, side * 0.06}, {-1.0, side * 0.34}, 0.03, 0.02, dark));
  }
  figure.push_back(disc({-0.70, 0}, 0.17, dark));
  figure.push_back(ellipse({-0.44, 0}, {0.22, 0.28}, scale(shell, 0.6)));
  figure.push_back(ellipse({0.20, 0}, {0.58, girth}, shell, Surface::spots));
  figure.push_back(stroke({-0.34, 0}, {0.76, 0}, 0.018, 0.018, dark));
  figure.push_back(disc({-0.78, -0.09}, 0.04, kWhite));
  figure.push_back(disc({-0.78, 0.09}, 0.04, kWhite));
  return figure;
}

Figure guitar(Random& random) {
  const Color wood =
      pick(random, {{0.78, 0.50, 0.22}, {0.58, 0.18, 0.12}, {0.20, 0.20, 0.24}, {0.88, 0.74, 0.48}});
  const Color neck{0.26, 0.17, 0.11};
  const double lower = random.between(0.40, 0.47);
  const double upper = random.between(0.29, 0.34);
  Figure figure = {
      ellipse({0.48, 0}, {0.42, lower}, wood, Surface::fur),
      ellipse({0.04, 0}, {0.32, upper}, wood, Surface::fur),
      box({0.22, 0}, {0.20, upper * 0.86}, 0.05, wood, Surface::fur),
      disc({0.20, 0}, 0.15, mix(wood, kWhite, 0.5)),
      disc({0.20, 0}, 0.12, kBlack),
      box({-0.50, 0}, {0.60, 0.065}, 0.02, neck),
      box({-1.06, 0}, {0.15, 0.11}, 0.04, mix(wood, neck, 0.6)),
      box({0.62, 0}, {0.04, 0.15}, 0.02, neck),
  };
  for (const double y : {-0.036, -0.012, 0.012, 0.036})
    figure.push_back(stroke({-1.0, y}, {0.62, y}, 0.006, 0.006, {0.92, 0.90, 0.82}));
  for (const double x : {-1.14, -1.02})
    for (const double y : {-0.13, 0.13}) figure.push_back(disc({x, y}, 0.04, {0.85, 0.84, 0.80}));
  return figure;
}

Figure monkey(Random& random) {
  const Color fur =
      pick(random, {{0.44, 0.28, 0.16}, {0.22, 0.19, 0.18}, {0.66, 0.48, 0.28}, {0.52, 0.50, 0.48}});
  const Color skin = pick(random, {{0.88, 0.68, 0.50}, {0.72, 0.52, 0.40}});
  const double left = random.between(-0.5, 0.5);
  const double right = random.between(-0.5, 0.5);
  return {
      stroke({0.25, 0.55}, {0.72, 0.72}, 0.06, 0.06, fur, Surface::fur),
      stroke({0.72, 0.72}, {0.92, 0.40}, 0.06, 0.05, fur, Surface::fur),
      stroke({-0.26, -0.10}, {-0.66, 0.15 + left * 0.4}, 0.12, 0.09, fur, Surface::fur),
      stroke({-0.66, 0.15 + left * 0.4}, {-0.78, 0.15 - left}, 0.09, 0.08, fur, Surface::fur),
      stroke({0.26, -0.10}, {0.66, 0.15 + right * 0.4}, 0.12, 0.09, fur, Surface::fur),
      stroke({0.66, 0.15 + right * 0.4}, {0.78, 0.15 - right}, 0.09, 0.08, fur, Surface::fur),
      stroke({-0.18, 0.5}, {-0.34, 0.90}, 0.14, 0.11, fur, Surface::fur),
      stroke({0.18, 0.5}, {0.34, 0.90}, 0.14, 0.11, fur, Surface::fur),
      ellipse({0, 0.24}, {0.36, 0.44}, fur, Surface::fur),
      ellipse({0, 0.28}, {0.22, 0.30}, skin),
      disc({-0.36, -0.50}, 0.14, fur),
      disc({0.36, -0.50}, 0.14, fur),
      disc({-0.36, -0.50}, 0.08, skin),
      disc({0.36, -0.50}, 0.08, skin),
      ellipse({0, -0.50}, {0.35, 0.34}, fur, Surface::fur),
      ellipse({-0.10, -0.54}, {0.14, 0.15}, skin),
      ellipse({0.10, -0.54}, {0.14, 0.15}, skin),
      ellipse({0, -0.36}, {0.23, 0.17}, skin),
      disc({-0.10, -0.54}, 0.05, kBlack),
      disc({0.10, -0.54}, 0.05, kBlack),
      stroke({-0.10, -0.29}, {0.10, -0.29}, 0.02, 0.02, scale(skin, 0.5)),
  };
}

Figure fish(Random& random) {
  const Color skin = pick(
      random,
      {{0.92, 0.48, 0.12}, {0.30, 0.46, 0.74}, {0.72, 0.74, 0.76}, {0.88, 0.78, 0.24}, {0.36, 0.50, 0.36}});
  const Color fin = mix(skin, kBlack, 0.25);
  const double height = random.between(0.32, 0.44);
  const double tail = random.between(0.36, 0.50);
  return {
      triangle({0.36, 0}, {1.0, -tail}, {0.82, 0.02}, fin, Surface::bands),
      triangle({0.36, 0}, {1.0, tail}, {0.82, -0.02}, fin, Surface::bands),
      triangle({-0.36, -height * 0.7}, {0.40, -height * 0.5}, {0.14, -height - 0.28}, fin, Surface::bands),
      triangle({-0.12, height * 0.7}, {0.32, height * 0.5}, {0.18, height + 0.20}, fin, Surface::bands),
      ellipse({-0.14, 0}, {0.70, height}, skin, random.chance(0.5) ? Surface::scales : Surface::bands),
      ellipse({-0.16, height * 0.45}, {0.46, height * 0.38}, mix(skin, kWhite, 0.5), Surface::scales),
      triangle({-0.18, 0.04}, {0.16, -0.06}, {0.16, 0.22}, fin),
      stroke({-0.82, 0.10}, {-0.68, 0.12}, 0.02, 0.02, scale(skin, 0.4)),
      disc({-0.56, -0.10}, 0.09, kWhite),
      disc({-0.58, -0.10}, 0.05, kBlack),
  };
}

}  // namespace

Figure draw_figure(int label, Random& random) {
  constexpr Figure (*kFigures[])(Random&) = {dog, bird, car, snake, tiger, beetle, guitar, monkey, fish};
  return kFigures[label](random);
}

}  // namespace backdrop::demo
