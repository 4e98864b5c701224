/// \file
/// What every engine asks of its inputs.
#pragma once

#include <cstddef>

#include "engine/composite_task.h"
#include "models/network.h"

namespace backdrop {

/// Throws usage unless an image or mask of this size fits the network's input.
void check_size(const Network& network, int height, int width);

/// The same for a task's photos, and that its backgrounds are among the `backgrounds` that the engine holds.
void check_task(const Network& network, const CompositeTask& task, std::size_t backgrounds);

}  // namespace backdrop
