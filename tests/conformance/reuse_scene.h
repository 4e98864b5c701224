/// \file
/// A scene's composites by the GPU's exact reuse alone.
#pragma once

#include <algorithm>

#include "engine/cuda_reuse.h"
#include "tests/conformance/scene.h"

namespace backdrop::test {

/// Margins and logits.
inline void run_alone(CudaReuse& reuse, Scene& scene) {
  const auto tasks = scene.tasks();
  reuse.run(tasks, [&](std::size_t t, std::size_t place, const kernels::DeviceDecision& decision,
                       const float* logits) {
    tasks[t].margins[place] = decision.margin;
    std::copy_n(logits, scene.classes, tasks[t].logits + place * scene.classes);
  });
}

}  // namespace backdrop::test
