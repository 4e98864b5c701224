/// \file
/// The tensors of one checkpoint under torchvision's names, with a record of which were taken and which were
/// missed.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "loaders/checkpoint.h"

namespace backdrop {

/// Looks tensors up and checks them: shape, finite values. Errors name the file and the tensor.
///
/// Names that differ from torchvision's are translated: the heads of timm's VGG (`pre_logits.fc1`,
/// `pre_logits.fc2`, `head.fc`) and of the AlexNet of MadryLab's robustness (`last_layer`).
class TensorSource {
 public:
  /// Keeps a reference to the checkpoint's tensors.
  TensorSource(const Checkpoint& checkpoint, std::string file);

  /// The shape of a tensor, or null if there is none. Does not count as taken.
  const std::vector<std::int64_t>* shape(const std::string& name) const;
  /// One dimension of a tensor of the rank given; nothing if there is no such tensor. Throws if it is not
  /// positive or too large to be true.
  std::optional<int> dimension(const std::string& name, std::size_t rank, std::size_t axis) const;
  /// Names as torchvision has them, sorted.
  std::vector<std::string> names() const;

  /// A copy of the values of a tensor of the shape given; `fill` everywhere if it is missing. A linear
  /// layer's matrix [K][C*H*W] may also be stored as a convolution [K][C][H][W].
  std::vector<float> take(const std::string& name, const std::vector<std::int64_t>& shape, float fill);

  const std::vector<std::string>& missing() const { return missing_; }
  /// Tensors never taken, by the names that the file has for them.
  std::vector<std::string> unexpected() const;
  /// Values taken, running statistics of batch normalisation left out.
  std::int64_t parameters() const { return parameters_; }

  const std::string& file() const { return file_; }
  /// Throws bad_input that names the file.
  [[noreturn]] void fail(const std::string& message) const;

 private:
  struct Entry {
    std::string stored_name;
    const Tensor* tensor = nullptr;
    bool taken = false;
  };

  std::map<std::string, Entry> entries_;
  std::string file_;
  std::vector<std::string> missing_;
  std::int64_t parameters_ = 0;
};

}  // namespace backdrop
