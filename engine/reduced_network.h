/// \file
/// The position layers below fp32: activations and weights in bfloat16 or integers of 8 or 16 bits, sums in
/// 32 bits.
///
/// In 8 bits the input is the photo itself, so the first layer's only error is its weights'; the fully
/// connected layers run in fp32.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "engine/calibration.h"
#include "engine/position_network.h"
#include "kernels/dot_convolution.h"
#include "kernels/precision.h"
#include "kernels/reduced_winograd.h"

namespace backdrop {

struct ReducedOptions {
  Precision precision = Precision::int8;  ///< or int16 or bf16
  BatchRows rows = kernels::kDotRows;     ///< backgrounds a batch
  bool portable = false;                  ///< plain loops even where there are instructions: slow, for tests
  Calibration calibration;                ///< for integers, of the network
  bool tiles = true;           ///< 3x3 convolutions by Winograd's method: products of int16, or bfloat16
  bool bf16_sums = false;      ///< int8: see stored_values.h
  ThreadPool* pool = nullptr;  ///< packs the weights; null: this thread does
};

class ReducedNetwork final : public PositionNetwork {
 public:
  ReducedNetwork(const Network& network, const ReducedOptions& options);

  std::int64_t run_positions(int index, const PositionList& list, int rows, const kernels::RowPointers& input,
                             const kernels::RowPointers* residual, const void* starts, void* const* output,
                             std::byte* scratch) const override;
  std::int64_t run_tiles(int index, const TileList& tiles, int rows, const kernels::RowPointers& input,
                         const kernels::RowPointers* residual, void* const* output,
                         std::byte* scratch) const override;
  std::size_t scratch_bytes() const override;
  void run_starts(int index, const PositionList& list, const kernels::RowPointers& input,
                  void* starts) const override;
  void write_pixels(const std::uint8_t* photo, const std::uint8_t* mask, std::size_t pixels,
                    std::byte* to) const override;
  std::size_t weight_bytes() const override;

  /// Multiplies a convolution's scale, as an error in it would: how a test shows that the audit sees it.
  void break_scale(int index, float factor);

 private:
  void add_convolution(int index, const ReducedOptions& options);
  bool can_tile(int index, const ReducedOptions& options) const;
  kernels::DotOutput output_kind(int index) const;
  kernels::ValueScale value_scale(int value) const;

  std::vector<Precision> stored_;  // of each value
  Calibration calibration_;
  std::vector<std::optional<kernels::DotConvolution>> convolutions_;  // none for a pool
  std::vector<std::optional<kernels::ReducedWinograd>> tiled_;        // where can_tile()
  /// Products of a tap and a row in the network as given, and in this padded one.
  struct Products {
    std::int64_t given = 0;
    std::int64_t padded = 0;
  };
  std::vector<Products> products_;
  std::vector<std::uint16_t> pixel_table_;  // [3][256], bfloat16 or int16
};

}  // namespace backdrop
