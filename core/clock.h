/// \file
/// The clock that everything is timed by.
#pragma once

#include <chrono>

namespace backdrop {

using Clock = std::chrono::steady_clock;

inline double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace backdrop
