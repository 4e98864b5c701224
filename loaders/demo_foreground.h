/// \file
/// The foregrounds of the demo data: nine figures put together from simple shapes.
#pragma once

#include <vector>

#include "loaders/demo_canvas.h"
#include "loaders/demo_random.h"
#include "loaders/mask.h"

namespace backdrop::demo {

/// How a part's colour varies over its surface.
enum class Surface { plain, fur, bands, spots, scales };

/// One shape of a figure, in the figure's own coordinates: about -1 to 1, y downwards.
struct Part {
  enum class Shape { ellipse, box, stroke, triangle };
  Shape shape = Shape::ellipse;
  Point a;           ///< centre, or first point
  Point b;           ///< radii, half size, or second point
  Point c;           ///< triangle: third point. stroke: half widths at a and b. box: corner radius in x
  double turns = 0;  ///< rotation of ellipse and box
  Color color;
  Surface surface = Surface::plain;
};

/// Parts from back to front; later ones cover earlier ones.
using Figure = std::vector<Part>;

/// A figure of class `label` in a random pose and colour: 0 dog, 1 bird, 2 car, 3 snake, 4 tiger, 5 beetle, 6
/// guitar, 7 monkey, 8 fish.
Figure draw_figure(int label, Random& random);

/// Paints the figure at a random place, size, tilt and side; its mask covers 12% to 28% of the picture where
/// the figure's proportions let it fit with a margin.
Mask paint_foreground(Canvas& canvas, const Figure& figure, Random& random);

}  // namespace backdrop::demo
