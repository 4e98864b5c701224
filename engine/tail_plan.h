/// \file
/// The fully connected layers at the end of a network, for batches larger than the convolutions': a layer
/// reads all its weights (400 MB in VGG's first) once a batch.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "engine/search_profile.h"
#include "kernels/dense.h"
#include "models/network.h"

namespace backdrop {

/// Composites that share a read of those weights, in whole batches of the layers before, of `rows` each.
int tail_batch(int rows);

/// `run` is const and may be called from many threads at once, each with its own arena.
class TailPlan {
 public:
  /// The layers from `first` on, all fully connected.
  TailPlan(std::shared_ptr<const Network> network, int first, int batch);

  int batch() const { return batch_; }
  std::size_t arena_bytes() const;
  std::size_t weight_bytes() const;
  /// The value that the first of the layers reads, [batch][H][W][C], in the arena.
  float* input(std::byte* arena) const { return reinterpret_cast<float*>(arena); }
  /// Runs the layers; returns the logits, [batch][classes], inside the arena. Adds each layer's time to
  /// `steps` unless that is null.
  const float* run(std::byte* arena, StepTime* steps) const;

 private:
  int batch_;
  std::vector<kernels::DenseOperation> operations_;
  std::vector<std::int64_t> multiply_adds_;  // of each layer's whole batch
  std::vector<std::size_t> offsets_;         // of each layer's input and of the logits, in bytes
  std::size_t scratch_bytes_ = 0;
};

}  // namespace backdrop
