/// \file
/// A loop over numbers that are known when compiled. In an unnamed namespace: a copy compiled for one
/// instruction set must not be linked into code for another.
#pragma once

#include <type_traits>
#include <utility>

namespace backdrop::kernels {
namespace {

/// Calls `each` with the numbers 0..Count-1 as types.
template <int Count, class Each>
[[gnu::always_inline]] inline void for_constants(const Each& each) {
  [&]<int... Numbers>(std::integer_sequence<int, Numbers...>) {
    (each(std::integral_constant<int, Numbers>()), ...);
  }
  (std::make_integer_sequence<int, Count>());
}

}  // namespace
}  // namespace backdrop::kernels
