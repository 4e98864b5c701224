/// \file
/// Ways to compute on a GPU that its engine chooses among, and can do without: to compare them, or where one
/// is broken.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace backdrop {

enum class GpuWay : std::uint8_t {
  wgmma,        ///< products by wgmma, clusters' too; without it by mma.sync
  split,        ///< fp32 on tensor cores by terms of its values; without it by plain multiply-adds
  clusters,     ///< products by clusters of blocks; without it each block alone
  cudnn,        ///< cuDNN's convolutions on the dense path; without it our own
  bottlenecks,  ///< bottlenecks as one kernel; without it layer by layer
  graphs,       ///< small batches as CUDA graphs; without it kernel by kernel
  second,       ///< what is close in 8 bits decided in fp16 first; without it in fp32 at once
  sums,         ///< int8's sums of blocks in fp16 where bytes are too coarse; without it in bytes
};

inline constexpr GpuWay kGpuWays[] = {GpuWay::wgmma,       GpuWay::split,  GpuWay::clusters, GpuWay::cudnn,
                                      GpuWay::bottlenecks, GpuWay::graphs, GpuWay::second,   GpuWay::sums};

constexpr const char* name(GpuWay way) {
  switch (way) {
    case GpuWay::split:
      return "split";
    case GpuWay::clusters:
      return "clusters";
    case GpuWay::cudnn:
      return "cudnn";
    case GpuWay::bottlenecks:
      return "bottlenecks";
    case GpuWay::graphs:
      return "graphs";
    case GpuWay::second:
      return "second";
    case GpuWay::sums:
      return "sums";
    case GpuWay::wgmma:
      break;
  }
  return "wgmma";
}

constexpr std::optional<GpuWay> gpu_way_named(std::string_view text) {
  for (const GpuWay way : kGpuWays)
    if (text == name(way)) return way;
  return std::nullopt;
}

/// A set of them.
class GpuWays {
 public:
  constexpr void add(GpuWay way) { bits_ |= bit(way); }
  constexpr bool has(GpuWay way) const { return (bits_ & bit(way)) != 0; }
  constexpr bool empty() const { return bits_ == 0; }

 private:
  static constexpr unsigned bit(GpuWay way) { return 1u << static_cast<unsigned>(way); }

  unsigned bits_ = 0;
};

/// "clusters, graphs".
inline std::string names(const GpuWays& ways) {
  std::string text;
  for (const GpuWay way : kGpuWays)
    if (ways.has(way)) text += (text.empty() ? "" : ", ") + std::string(name(way));
  return text;
}

}  // namespace backdrop
