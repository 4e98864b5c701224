/// \file
/// The backgrounds of the demo data: one kind of place for each class, so that a model learns to lean on it.
#pragma once

#include "loaders/demo_canvas.h"
#include "loaders/demo_random.h"

namespace backdrop::demo {

/// Paints the place where class `label` lives: 0 a lawn, 1 the sky, 2 a street, 3 sand, 4 dry grass, 5 a
/// leaf, 6 a stage, 7 a jungle, 8 the sea.
void paint_background(Canvas& canvas, int label, Random& random);

}  // namespace backdrop::demo
