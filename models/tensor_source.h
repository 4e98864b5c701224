/// \file
/// The tensors of one checkpoint, with a record of which were taken and which were missed.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "loaders/checkpoint.h"

namespace backdrop {

/// Looks tensors up and checks them: shape, finite values. Errors name the file and the tensor.
class TensorSource {
 public:
  /// Keeps a reference to the checkpoint's tensors.
  TensorSource(const Checkpoint& checkpoint, std::string file);

  /// The shape of a tensor, or null if there is none. Does not count as taken.
  const std::vector<std::int64_t>* shape(const std::string& name) const;
  /// One dimension of a tensor of the rank given; nothing if there is no such tensor. Throws if it is not
  /// positive or too large to be true.
  std::optional<int> dimension(const std::string& name, std::size_t rank, std::size_t axis) const;
  /// All names, sorted.
  std::vector<std::string> names() const;

  /// A copy of the values of a tensor of the shape given; `fill` everywhere if it is missing.
  std::vector<float> take(const std::string& name, const std::vector<std::int64_t>& shape, float fill);

  const std::vector<std::string>& missing() const { return missing_; }
  /// Tensors never taken.
  std::vector<std::string> unexpected() const;
  /// Values taken, running statistics of batch normalisation left out.
  std::int64_t parameters() const { return parameters_; }

  /// Throws bad_input that names the file.
  [[noreturn]] void fail(const std::string& message) const;

 private:
  struct Entry {
    const Tensor* tensor = nullptr;
    bool taken = false;
  };

  std::map<std::string, Entry> entries_;
  std::string file_;
  std::vector<std::string> missing_;
  std::int64_t parameters_ = 0;
  std::int64_t filled_ = 0;
};

}  // namespace backdrop
