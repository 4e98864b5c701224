/// \file
/// Division and rounding upwards of counts and sizes.
#pragma once

#include <concepts>
#include <type_traits>

namespace backdrop {

/// How many parts of `part` hold `value`, the last one perhaps not full.
template <std::integral T>
constexpr T divide_up(T value, std::type_identity_t<T> part) {
  return (value + part - 1) / part;
}

/// The next multiple of `unit` from `value` on.
template <std::integral T>
constexpr T round_up(T value, std::type_identity_t<T> unit) {
  return divide_up(value, unit) * unit;
}

}  // namespace backdrop
