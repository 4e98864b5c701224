/// \file
/// Eight neighbouring values of a row, which a thread of the GPU's kernels has in its hand: activated, loaded
/// and stored. Plain functions, so that tests on the CPU run them all.
#pragma once

#include "kernels/host_device.h"

namespace backdrop::kernels {

/// `slope`: of negative values, from 0 to 1.
BACKDROP_HOST_DEVICE float activate_on_device(float value, float slope) {
  return fmaxf(value, slope * value);
}

BACKDROP_HOST_DEVICE void activate_eight(float* values, float slope) {
  BACKDROP_UNROLL
  for (int k = 0; k < 8; ++k) values[k] = activate_on_device(values[k], slope);
}

/// Four neighbours in one access.
template <class T>
struct alignas(16) Four {
  T values[4];
};

/// From an address that is a multiple of 16 bytes.
template <class T>
BACKDROP_HOST_DEVICE void load_four(const T* from, T* to) {
  const Four<T> four = *reinterpret_cast<const Four<T>*>(from);
  BACKDROP_UNROLL
  for (int k = 0; k < 4; ++k) to[k] = four.values[k];
}

template <class T>
BACKDROP_HOST_DEVICE void load_eight(const T* from, T* to) {
  load_four(from, to);
  load_four(from + 4, to + 4);
}

template <class T>
BACKDROP_HOST_DEVICE void store_eight(T* to, const T* from) {
  BACKDROP_UNROLL
  for (int i = 0; i < 2; ++i) {
    Four<T> four;
    BACKDROP_UNROLL
    for (int k = 0; k < 4; ++k) four.values[k] = from[4 * i + k];
    reinterpret_cast<Four<T>*>(to)[i] = four;
  }
}

}  // namespace backdrop::kernels
