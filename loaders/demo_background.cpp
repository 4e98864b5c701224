// Nine places in layered noise. Each draws its own palette, horizon and scale, so that two pictures of one
// place share a look and not their pixels.
#include "loaders/demo_background.h"

#include <algorithm>
#include <cmath>

namespace backdrop::demo {

namespace {

/// A base colour, each picture a little different.
Color vary(Random& random, const Color& base, double amount) {
  const double light = random.between(1 - amount, 1 + amount);
  return {base.red * light + random.between(-amount, amount) * 0.25,
          base.green * light + random.between(-amount, amount) * 0.25,
          base.blue * light + random.between(-amount, amount) * 0.25};
}

void paint_lawn(Canvas& canvas, Random& random) {
  const Color sky = vary(random, {0.70, 0.82, 0.93}, 0.15);
  const Color hedge = vary(random, {0.16, 0.32, 0.14}, 0.25);
  const Color grass = vary(random, {0.36, 0.60, 0.22}, 0.20);
  const double horizon = random.between(0.22, 0.42);
  const double hedge_height = random.between(0.05, 0.16);
  const std::uint64_t seed = random.next();
  canvas.paint([&](double x, double y) {
    const double top = horizon - hedge_height * (0.5 + fractal_noise(seed, x * 7, 0.5, 3));
    if (y < top) return mix(sky, {0.95, 0.96, 0.98}, fractal_noise(seed + 9, x * 3, y * 5, 3) * 0.6);
    if (y < horizon) return scale(hedge, 0.6 + 0.9 * fractal_noise(seed + 17, x * 24, y * 24, 3));
    const double depth = (y - horizon) / (1 - horizon);
    const double blades = noise(seed + 31, x * 90, y * 26 / (0.4 + depth));
    const double patches = fractal_noise(seed + 43, x * 4, y * 7, 3);
    return scale(grass, 0.55 + 0.35 * blades + 0.45 * patches);
  });
}

void paint_sky(Canvas& canvas, Random& random) {
  const Color zenith = vary(random, {0.24, 0.48, 0.82}, 0.20);
  const Color low = vary(random, {0.66, 0.82, 0.95}, 0.12);
  const Color cloud = vary(random, {0.97, 0.97, 0.98}, 0.05);
  const double cover = random.between(0.46, 0.62);
  const double size = random.between(2.2, 4.5);
  const std::uint64_t seed = random.next();
  canvas.paint([&](double x, double y) {
    const double billow = fractal_noise(seed, x * size, y * size * 1.6, 5);
    const double shadow = fractal_noise(seed + 7, x * size, y * size * 1.6 - 0.3, 4);
    return mix(mix(zenith, low, y), scale(cloud, 0.82 + 0.22 * shadow),
               smooth_step(cover, cover + 0.18, billow));
  });
}

void paint_street(Canvas& canvas, Random& random) {
  const Color sky = vary(random, {0.78, 0.80, 0.84}, 0.10);
  const Color wall = vary(random, {0.55, 0.45, 0.40}, 0.25);
  const Color asphalt = vary(random, {0.36, 0.36, 0.39}, 0.18);
  const double horizon = random.between(0.36, 0.50);
  const double vanishing = random.between(0.35, 0.65);
  const double houses = random.between(4, 7);
  const std::uint64_t seed = random.next();
  canvas.paint([&](double x, double y) {
    if (y < horizon) {
      const double house = std::floor(x * houses);
      const double roof = horizon * (0.1 + 0.6 * noise(seed, house * 7.3, 0.5));
      if (y < roof) return sky;
      const double across = x * houses * 3 - std::floor(x * houses * 3);
      const double up = y * 16 - std::floor(y * 16);
      const bool window = across > 0.3 && across < 0.75 && up > 0.25 && up < 0.8;
      const Color plaster = scale(wall, 0.6 + 0.8 * noise(seed + 5, house * 3.7, 2.5));
      return window ? mix(plaster, {0.20, 0.24, 0.32}, 0.75) : plaster;
    }
    const double depth = (y - horizon) / (1 - horizon) + 0.02;
    const double lane = (x - vanishing) / depth;
    const bool painted = std::abs(lane) < 0.05 && wave(1.2 / depth) > -0.2;
    const bool kerb = std::abs(std::abs(lane) - 1.15) < 0.08;
    const double grain =
        0.80 + 0.20 * noise(seed + 11, x * 110, y * 110) + 0.2 * fractal_noise(seed + 13, x * 5, y * 9, 2);
    if (painted) return scale({0.88, 0.86, 0.74}, grain * 0.95);
    return scale(kerb ? mix(asphalt, {0.75, 0.74, 0.72}, 0.6) : asphalt, grain);
  });
}

void paint_sand(Canvas& canvas, Random& random) {
  const Color sand = vary(random, {0.84, 0.70, 0.47}, 0.16);
  const Color shade = vary(random, {0.60, 0.44, 0.26}, 0.16);
  const double ripples = random.between(10, 20);
  const double slant = random.between(-0.6, 0.6);
  const std::uint64_t seed = random.next();
  canvas.paint([&](double x, double y) {
    const double warp = fractal_noise(seed, x * 3, y * 3, 3);
    const double ripple = 0.5 + 0.5 * wave((y + slant * x) * ripples + warp * 3.5);
    const double grain = noise(seed + 21, x * 112, y * 112);
    return scale(mix(sand, shade, 0.55 * ripple * ripple + 0.35 * warp), 0.90 + 0.18 * grain);
  });
}

void paint_dry_grass(Canvas& canvas, Random& random) {
  const Color sky = vary(random, {0.93, 0.78, 0.58}, 0.14);
  const Color straw = vary(random, {0.76, 0.62, 0.30}, 0.18);
  const Color soil = vary(random, {0.42, 0.31, 0.16}, 0.18);
  const double horizon = random.between(0.15, 0.35);
  const double tree = random.between(0.1, 0.9);
  const std::uint64_t seed = random.next();
  canvas.paint([&](double x, double y) {
    const double tips = horizon + 0.10 * noise(seed, x * 60, 0.5) - 0.05;
    if (y < tips) {
      const double crown = ellipse_distance({x, y}, {tree, horizon - 0.10}, {0.20, 0.055}, 0);
      const double leaves = crown + 0.05 * (fractal_noise(seed + 3, x * 22, y * 22, 2) - 0.5);
      const bool trunk = std::abs(x - tree) < 0.012 && y > horizon - 0.1;
      if (leaves < 0 || trunk)
        return scale(Color{0.30, 0.30, 0.14}, 0.7 + 0.6 * noise(seed + 5, x * 50, y * 50));
      return mix(sky, {0.98, 0.93, 0.82}, y / horizon);
    }
    const double lean = 0.03 * wave(x * 2 + y);
    const double stalks = noise(seed + 7, (x + lean * y) * 80, y * 7);
    return scale(mix(soil, straw, stalks), 0.65 + 0.6 * fractal_noise(seed + 9, x * 5, y * 5, 3));
  });
}

void paint_leaf(Canvas& canvas, Random& random) {
  const Color blade = vary(random, {0.34, 0.58, 0.16}, 0.20);
  const Color vein = vary(random, {0.66, 0.80, 0.42}, 0.12);
  const double upright = random.chance(0.5) ? 0.25 : 0;
  const double tilt = upright + random.between(-0.12, 0.12);
  const double offset = random.between(-0.2, 0.2);
  const double branches = random.between(5, 9);
  const std::uint64_t seed = random.next();
  const double sine = wave(tilt);
  const double cosine = wave(tilt + 0.25);
  canvas.paint([&](double x, double y) {
    const double along = cosine * (x - 0.5) + sine * (y - 0.5);
    const double across = cosine * (y - 0.5) - sine * (x - 0.5) - offset;
    const double side = wave((along - std::abs(across) * 0.8) * branches);
    const double cells = noise(seed, x * 60, y * 60);
    const double veins =
        std::max(smooth_step(0.025, 0.008, std::abs(across)), 0.75 * smooth_step(0.93, 0.99, side));
    const Color green =
        scale(blade, 0.62 + 0.16 * side + 0.22 * cells + 0.35 * fractal_noise(seed + 3, x * 3, y * 3, 3));
    return mix(green, vein, veins);
  });
}

void paint_stage(Canvas& canvas, Random& random) {
  const Color curtain = vary(random, {0.58, 0.10, 0.13}, 0.25);
  const Color wood = vary(random, {0.56, 0.36, 0.19}, 0.20);
  const double floor_line = random.between(0.55, 0.75);
  const double folds = random.between(6, 11);
  const double spot = random.between(0.25, 0.75);
  const std::uint64_t seed = random.next();
  canvas.paint([&](double x, double y) {
    const double light = smooth_step(0.75, 0.05, std::abs(x - spot)) * 0.55 + 0.60;
    if (y < floor_line) {
      const double fold = wave(x * folds + 0.6 * noise(seed, x * 5, y * 1.2));
      return scale(curtain, light * (0.80 + 0.42 * fold + 0.12 * noise(seed + 3, x * 100, y * 40)));
    }
    const double depth = (y - floor_line) / (1 - floor_line) + 0.25;
    const double plank = (x - 0.5) / depth * 5;
    const double seam = plank - std::floor(plank);
    const double grain = noise(seed + 5, plank * 9, y * 5 + std::floor(plank) * 7);
    return scale(
        wood,
        light * (seam < 0.05 ? 0.45 : 0.70 + 0.35 * grain + 0.15 * noise(seed + 7, std::floor(plank), 3)));
  });
}

void paint_jungle(Canvas& canvas, Random& random) {
  const Color dark = vary(random, {0.06, 0.16, 0.08}, 0.20);
  const Color leaves = vary(random, {0.20, 0.46, 0.16}, 0.22);
  const Color bark = vary(random, {0.34, 0.24, 0.15}, 0.20);
  const double trunks = random.between(2.5, 4.5);
  const std::uint64_t seed = random.next();
  canvas.paint([&](double x, double y) {
    const double position = x * trunks + 0.25 * noise(seed, 3.5, y * 2) + static_cast<double>(seed % 97) / 97;
    const double across = position - std::floor(position) - 0.5;
    const double width = 0.10 + 0.10 * noise(seed + 1, std::floor(position) * 5.1, 0.5);
    const double foliage = fractal_noise(seed + 3, x * 14, y * 11 + x * 6, 4);
    const double clumps = fractal_noise(seed + 7, x * 5 + y * 3, y * 6 - x * 3, 4);
    if (std::abs(across) < width && clumps < 0.58)
      return scale(bark, (0.9 - 2.2 * std::abs(across)) * (0.75 + 0.5 * noise(seed + 9, x * 70, y * 9)));
    return mix(dark, leaves, smooth_step(0.30, 0.72, foliage) * (0.45 + 0.8 * clumps));
  });
}

void paint_sea(Canvas& canvas, Random& random) {
  const Color bright = vary(random, {0.30, 0.68, 0.78}, 0.18);
  const Color deep = vary(random, {0.03, 0.20, 0.40}, 0.18);
  const double slant = random.between(-0.5, 0.5);
  const double rays = random.between(3, 6);
  const double bed = random.between(0.82, 1.02);
  const std::uint64_t seed = random.next();
  canvas.paint([&](double x, double y) {
    const double ray = noise(seed, (x + slant * y) * rays * 2, y * 0.6) * (1 - y);
    const double caustic = fractal_noise(seed + 5, x * 7, y * 11, 3);
    const Color water = mix(bright, deep, clamp01(y * 1.1 - 0.30 * ray + 0.15 * (caustic - 0.5)));
    const double ground = bed - 0.09 * fractal_noise(seed + 9, x * 4, 0.5, 3);
    const double stones = 0.6 + 0.6 * fractal_noise(seed + 11, x * 20, y * 20, 3);
    return y < ground ? scale(water, 0.92 + 0.35 * ray) : mix(water, scale({0.55, 0.52, 0.40}, stones), 0.55);
  });
}

}  // namespace

void paint_background(Canvas& canvas, int label, Random& random) {
  constexpr void (*kPlaces[])(Canvas&, Random&) = {paint_lawn,  paint_sky,       paint_street,
                                                   paint_sand,  paint_dry_grass, paint_leaf,
                                                   paint_stage, paint_jungle,    paint_sea};
  kPlaces[label](canvas, random);
}

}  // namespace backdrop::demo
