/// \file
/// Look-up and checks of a checkpoint's tensors, see tensor_source.h.
#include "models/tensor_source.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "backdrop/error.h"

namespace backdrop {
namespace {

/// No layer of a supported architecture comes near; keeps hostile shapes from overflowing products.
constexpr std::int64_t kMaxDimension = std::int64_t{1} << 20;
/// Values filled in for missing tensors, all together (VGG's first linear layer has 1.03e8).
constexpr std::int64_t kMaxFilledValues = std::int64_t{1} << 28;
/// More than any memory holds, and small enough to multiply by a dimension once more.
constexpr std::int64_t kMaxValues = std::int64_t{1} << 36;

std::string shape_text(const std::vector<std::int64_t>& shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

std::int64_t value_count(const std::vector<std::int64_t>& shape) {
  std::int64_t count = 1;
  for (const std::int64_t dimension : shape) count = std::min(count * dimension, kMaxValues);
  return count;
}

bool is_running_statistic(const std::string& name) {
  return name.ends_with(".running_mean") || name.ends_with(".running_var");
}

}  // namespace

TensorSource::TensorSource(const Checkpoint& checkpoint, std::string file) : file_(std::move(file)) {
  for (const auto& [name, tensor] : checkpoint.tensors) entries_.emplace(name, Entry{&tensor, false});
}

const std::vector<std::int64_t>* TensorSource::shape(const std::string& name) const {
  const auto found = entries_.find(name);
  return found == entries_.end() ? nullptr : &found->second.tensor->shape;
}

std::optional<int> TensorSource::dimension(const std::string& name, std::size_t rank,
                                           std::size_t axis) const {
  const std::vector<std::int64_t>* stored = shape(name);
  if (stored == nullptr || stored->size() != rank) return std::nullopt;
  const std::int64_t value = (*stored)[axis];
  if (value < 1 || value > kMaxDimension) {
    fail(fmt::format("{} has the impossible shape {}", name, shape_text(*stored)));
  }
  return static_cast<int>(value);
}

std::vector<std::string> TensorSource::names() const {
  std::vector<std::string> result;
  for (const auto& [name, entry] : entries_) result.push_back(name);
  return result;
}

std::vector<float> TensorSource::take(const std::string& name, const std::vector<std::int64_t>& shape,
                                      float fill) {
  const auto found = entries_.find(name);
  if (found == entries_.end()) {
    missing_.push_back(name);
    const std::int64_t count = value_count(shape);
    filled_ += count;
    if (filled_ > kMaxFilledValues) {
      fail(fmt::format("{} is missing and too large to fill in: {}", name, shape_text(shape)));
    }
    return std::vector<float>(static_cast<std::size_t>(count), fill);
  }
  Entry& entry = found->second;
  const Tensor& tensor = *entry.tensor;
  if (tensor.shape != shape) {
    fail(fmt::format("{} has the shape {} where the network takes {}", name, shape_text(tensor.shape),
                     shape_text(shape)));
  }
  if (static_cast<std::int64_t>(tensor.values.size()) != value_count(shape)) {
    fail(fmt::format("{} has {} values, which is not its shape {}", name, tensor.values.size(),
                     shape_text(tensor.shape)));
  }
  if (!std::all_of(tensor.values.begin(), tensor.values.end(),
                   [](float value) { return std::isfinite(value); })) {
    fail(fmt::format("{} holds values that are not finite", name));
  }
  entry.taken = true;
  if (!is_running_statistic(name)) parameters_ += static_cast<std::int64_t>(tensor.values.size());
  return tensor.values;
}

std::vector<std::string> TensorSource::unexpected() const {
  std::vector<std::string> result;
  for (const auto& [name, entry] : entries_) {
    if (!entry.taken) result.push_back(name);
  }
  return result;
}

void TensorSource::fail(const std::string& message) const {
  throw Error(ErrorCode::bad_input, message, file_);
}

}  // namespace backdrop
