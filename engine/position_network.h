/// \file
/// The layers before the first fully connected one, with weights packed for the position kernels.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "core/instruction_set.h"
#include "engine/position_lists.h"
#include "kernels/position_convolution.h"
#include "models/network.h"

namespace backdrop {

/// Shared by all threads; `run_layer` is const.
class PositionNetwork {
 public:
  /// `rows`: backgrounds a batch, 1..kernels::kMaxRows.
  PositionNetwork(std::shared_ptr<const Network> network, int rows, InstructionSet set);

  /// One layer over a list; pointers as in kernels/position_convolution.h. Returns the multiply-adds done.
  std::int64_t run_positions(int index, const PositionList& list, int rows, const kernels::RowPointers& input,
                             const kernels::RowPointers* residual, const float* starts,
                             float* const* output) const;

  /// The same over tiles. `scratch` holds scratch_floats().
  std::int64_t run_tiles(int index, const TileList& tiles, int rows, const kernels::RowPointers& input,
                         const kernels::RowPointers* residual, float* const* output, float* scratch) const;
  /// For run_tiles with one row or rows().
  std::size_t scratch_floats() const;

  /// The sums of a convolution over a list of foreground taps, with the bias and without activation.
  void run_starts(int index, const PositionList& list, const kernels::RowPointers& input,
                  float* starts) const;

  const Network& network() const { return *network_; }
  int rows() const { return rows_; }
  /// How many layers work on positions.
  int layers() const { return static_cast<int>(convolutions_.size()); }
  /// Every position of every layer from mixed inputs.
  const WholeLists& whole() const { return whole_; }
  std::size_t weight_bytes() const;

 private:
  std::shared_ptr<const Network> network_;
  int rows_;
  std::vector<std::optional<kernels::PositionConvolution>> convolutions_;  // none for a pool
  std::vector<std::optional<kernels::WinogradConvolution>> tiled_;         // where can_tile()
  WholeLists whole_;
};

}  // namespace backdrop
