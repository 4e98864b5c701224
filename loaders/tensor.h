/// \file
/// Named host tensors, as checkpoints hold them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace backdrop {

/// A dense tensor in row-major order, its values widened (or, from fp64 and integers, rounded) to fp32.
struct Tensor {
  std::vector<std::int64_t> shape;
  std::vector<float> values;
  std::string stored_as = "float32";  ///< the type in the file, by numpy's name ("bfloat16" for bf16)
};

/// Tensors by name, sorted.
using StateDict = std::map<std::string, Tensor>;

}  // namespace backdrop
