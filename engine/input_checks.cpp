#include "engine/input_checks.h"

#include <fmt/format.h>

#include "backdrop/error.h"

namespace backdrop {

void check_size(const Network& network, int height, int width) {
  if (height != network.input.height || width != network.input.width)
    throw Error(ErrorCode::usage,
                fmt::format("an image or mask of {} x {} was given to a network that takes {} x {}", height,
                            width, network.input.height, network.input.width));
}

void check_task(const Network& network, const CompositeTask& task, std::size_t backgrounds) {
  check_size(network, task.foreground->height, task.foreground->width);
  check_size(network, task.mask->height, task.mask->width);
  for (const int background : task.backgrounds)
    if (background < 0 || static_cast<std::size_t>(background) >= backgrounds)
      throw Error(ErrorCode::usage, fmt::format("background {} is not among the {} that the engine holds",
                                                background, backgrounds));
}

}  // namespace backdrop
