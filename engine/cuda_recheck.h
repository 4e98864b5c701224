/// \file
/// Who decides again on a GPU what was close: dense paths in fp32 and, before it, in fp16.
///
/// Of a deep network's decisions in 8 bits many are close, and fp32 takes several times as long as fp16,
/// which settles most of them.
#pragma once

#include <memory>
#include <optional>

#include "engine/cuda_dense.h"
#include "engine/cuda_device.h"
#include "engine/cuda_layers.h"
#include "engine/gpu_ways.h"
#include "engine/measured_plan.h"

namespace backdrop {

/// The precision that decides between `fast` and fp32, if one does.
std::optional<Precision> second_precision(Precision fast, const GpuWays& without);

/// What the activations of one batch may take at most, roughly: two values live at once, and a residual.
std::size_t activation_bytes(const Network& padded, Precision precision, int rows);

/// Rows such that every offset within a batch's activations fits 32 bits.
int clamp_rows(const Network& padded, int rows);

class CudaRecheck {
 public:
  /// All must outlive it. `in9` is the class map, on the device. Layers in fp32 are used again.
  CudaRecheck(const Network& network, const CudaLayers& layers, const std::int32_t* in9,
              const CudaDevice& device, const GpuWays& without, PlanFolder& plans);

  /// Both are made on first use.
  CudaDense& exact();
  CudaDense& second();

  /// Bytes to leave free for those that are not made yet, roughly.
  std::size_t bytes_to_come() const;
  std::size_t workspace_bytes() const;
  /// As Engine::multiply_adds.
  std::int64_t multiply_adds() const;

 private:
  struct Path {
    std::optional<CudaLayers> layers;  // none if the constructor's are used
    std::optional<CudaDense> dense;
  };

  const Network& network_;
  const CudaLayers& layers_;
  const std::int32_t* in9_;
  const CudaDevice& device_;
  const GpuWays& without_;
  PlanFolder& plans_;
  Path exact_;
  Path second_;
};

}  // namespace backdrop
