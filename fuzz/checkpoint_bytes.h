/// \file
/// The targets of the three checkpoint formats differ in their corpora alone: the format is told by content.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "fuzz/hostile.h"
#include "loaders/checkpoint.h"

namespace backdrop::fuzz {

/// Reads a checkpoint; what it says of itself must then hold.
inline void read_checkpoint_bytes(const std::uint8_t* data, std::size_t size) {
  read_hostile([&] {
    const Checkpoint checkpoint = parse_checkpoint({data, size});
    require(!checkpoint.tensors.empty(), "a checkpoint has tensors");
    for (const auto& [name, tensor] : checkpoint.tensors) {
      std::size_t count = 1;
      for (const std::int64_t extent : tensor.shape) count *= static_cast<std::size_t>(extent);
      require(tensor.values.size() == count, "a tensor has as many values as its shape says");
    }
  });
}

}  // namespace backdrop::fuzz
