/// \file
/// By which instructions a block of the GPU's position convolution multiplies.
#pragma once

#include <cstdint>

namespace backdrop::kernels {

enum class Products : std::uint8_t {
  warps,             ///< mma.sync, in fp32 plain multiply-adds
  warpgroups,        ///< wgmma
  clusters,          ///< wgmma with twice as large tiles, whose weights two blocks copy for each other
  split,             ///< fp32 by mma.sync on terms of its values (kernels/tf32_terms.h)
  split_warpgroups,  ///< the same by wgmma
};

inline constexpr Products kProducts[] = {Products::warps, Products::warpgroups, Products::clusters,
                                         Products::split, Products::split_warpgroups};

constexpr bool is_split(Products products) {
  return products == Products::split || products == Products::split_warpgroups;
}

constexpr const char* name(Products products) {
  switch (products) {
    case Products::warpgroups:
      return "wgmma";
    case Products::clusters:
      return "clusters";
    case Products::split:
      return "mma.sync of split tf32";
    case Products::split_warpgroups:
      return "wgmma of split tf32";
    case Products::warps:
      break;
  }
  return "warps";
}

}  // namespace backdrop::kernels
