/// \file
/// A network laid out for batches of a fixed size, every position of every image computed.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "models/network.h"

namespace backdrop {

/// `run` is const and may be called from many threads at once, each with its own arena.
class BatchPlan {
 public:
  virtual ~BatchPlan() = default;

  virtual int batch() const = 0;
  /// Bytes of the memory that one run works in, 64-byte aligned.
  virtual std::size_t arena_bytes() const = 0;
  /// Where a run reads its normalised input, [batch][H][W][3].
  virtual float* input(std::byte* arena) const = 0;
  /// Runs the network; returns the logits, [batch][classes], inside the arena.
  virtual const float* run(std::byte* arena) const = 0;
  /// One line for people.
  virtual std::string description() const = 0;
};

/// oneDNN in NHWC: convolution, bias, residual and activation fused, buffers shared by lifetime.
std::unique_ptr<BatchPlan> make_dense_plan(std::shared_ptr<const Network> network, int batch);

/// The plain reference loops, one image at a time, every value in a buffer of its own.
std::unique_ptr<BatchPlan> make_reference_plan(std::shared_ptr<const Network> network);

}  // namespace backdrop
