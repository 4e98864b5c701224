/// \file
/// Lists of positions in one block of memory that is copied to the device at once.
#pragma once

#include <cstddef>
#include <cstring>
#include <span>
#include <vector>

#include "engine/position_lists.h"
#include "kernels/cuda_tile.h"

namespace backdrop {

/// Where one list lies in the block; an absent part is kNone.
struct PackedWork {
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  std::size_t output = kNone;
  std::size_t first_tap = kNone;
  std::size_t taps = kNone;
  std::size_t start = kNone;
  std::size_t residual = kNone;
  int positions = 0;
};

/// Collects arrays, each aligned to 16 bytes.
class ListPacker {
 public:
  template <class T>
  std::size_t add(std::span<const T> values) {
    const std::size_t offset = round_up(bytes_.size(), 16);
    bytes_.resize(offset + values.size_bytes());
    if (!values.empty()) std::memcpy(bytes_.data() + offset, values.data(), values.size_bytes());
    return offset;
  }
  PackedWork add(const PositionList& list) {
    PackedWork packed;
    packed.positions = static_cast<int>(list.output.size());
    packed.output = add(std::span<const std::int32_t>(list.output));
    packed.first_tap = add(std::span<const std::int32_t>(list.first_tap));
    packed.taps = add(std::span<const kernels::Tap>(list.taps));
    if (!list.start.empty()) packed.start = add(std::span<const std::int32_t>(list.start));
    if (!list.residual.empty()) packed.residual = add(std::span<const kernels::Tap>(list.residual));
    return packed;
  }
  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

/// The list as the kernels see it once the block is at `base`.
inline kernels::DeviceWork device_work(const PackedWork& packed, const std::byte* base) {
  const auto integers = [&](std::size_t offset) {
    return offset == PackedWork::kNone ? nullptr : reinterpret_cast<const std::int32_t*>(base + offset);
  };
  const auto taps = [&](std::size_t offset) {
    return offset == PackedWork::kNone ? nullptr : reinterpret_cast<const kernels::Tap*>(base + offset);
  };
  return {integers(packed.output), integers(packed.first_tap), taps(packed.taps),
          integers(packed.start),  taps(packed.residual),      packed.positions};
}

}  // namespace backdrop
