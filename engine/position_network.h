/// \file
/// The layers before the first fully connected one, with weights packed for the position kernels: one
/// implementation a way to store activations.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/instruction_set.h"
#include "core/parallel.h"
#include "engine/position_lists.h"
#include "kernels/position_work.h"
#include "models/network.h"

namespace backdrop {

/// Shared by all threads. Values are untyped here: offsets count elements of element_bytes() of the value;
/// the one that the fully connected layers read is written as floats in every implementation.
class PositionNetwork {
 public:
  virtual ~PositionNetwork() = default;

  /// One layer over a list; pointers as in kernels/position_convolution.h, and `scratch` holds
  /// scratch_bytes(). Returns the multiply-adds done.
  virtual std::int64_t run_positions(int index, const PositionList& list, int rows,
                                     const kernels::RowPointers& input, const kernels::RowPointers* residual,
                                     const void* starts, void* const* output, std::byte* scratch) const = 0;

  /// The same over tiles.
  virtual std::int64_t run_tiles(int index, const TileList& tiles, int rows,
                                 const kernels::RowPointers& input, const kernels::RowPointers* residual,
                                 void* const* output, std::byte* scratch) const = 0;
  /// 64-byte aligned.
  virtual std::size_t scratch_bytes() const = 0;

  /// What mixed positions start from: a convolution's sums over a list of foreground taps, four bytes each.
  virtual void run_starts(int index, const PositionList& list, const kernels::RowPointers& input,
                          void* starts) const = 0;

  /// Writes the network's input, for a photo's pixels where `mask` is set (null: all), one after the other.
  virtual void write_pixels(const std::uint8_t* photo, const std::uint8_t* mask, std::size_t pixels,
                            std::byte* to) const = 0;

  /// Whether run_positions makes a layer's fp32 products of bfloat16 terms (kernels/split_block.h).
  virtual bool splits(int index) const {
    static_cast<void>(index);
    return false;
  }
  virtual std::size_t weight_bytes() const = 0;

  const Network& network() const { return *network_; }
  const std::shared_ptr<const Network>& shared_network() const { return network_; }
  const BatchRows& rows() const { return rows_; }
  /// How many layers work on positions.
  int layers() const { return static_cast<int>(whole_.positions.size()); }
  /// Every position of every layer from mixed inputs, with tiles where run_tiles takes the layer.
  const WholeLists& whole() const { return whole_; }
  std::size_t element_bytes(int value) const { return whole_.element_bytes[value]; }

 protected:
  /// `rows`: backgrounds a batch, 1..kernels::kMaxRows. `element_bytes`: of each value before the first fully
  /// connected layer's output.
  PositionNetwork(std::shared_ptr<const Network> network, const BatchRows& rows,
                  std::vector<std::size_t> element_bytes);
  /// For each layer in turn.
  void add_whole_lists(int index, bool tiled);

  WholeLists whole_;

 private:
  std::shared_ptr<const Network> network_;
  BatchRows rows_;
};

/// In fp32; `pool` packs the weights.
std::unique_ptr<PositionNetwork> make_float_network(std::shared_ptr<const Network> network,
                                                    const BatchRows& rows, InstructionSet set,
                                                    ThreadPool& pool);

}  // namespace backdrop
