#include "loaders/state_names_timm.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "loaders/checkpoint_bytes.h"

namespace backdrop {
namespace {

/// A convolution over its whole input is a fully connected layer over the flattened input.
void flatten_filters(Tensor& tensor) {
  std::int64_t inputs = 1;
  for (std::size_t d = 1; d < tensor.shape.size(); ++d) inputs *= tensor.shape[d];
  tensor.shape = {tensor.shape[0], inputs};
}

}  // namespace

void rename_timm(StateDict& tensors) {
  if (!tensors.contains("pre_logits.fc1.weight")) return;
  constexpr std::array<std::pair<const char*, const char*>, 3> kLayers = {
      {{"pre_logits.fc1.", "classifier.0."},
       {"pre_logits.fc2.", "classifier.3."},
       {"head.fc.", "classifier.6."}}};
  for (const auto& [theirs, ours] : kLayers) {
    for (const char* kind : {"weight", "bias"}) {
      auto node = tensors.extract(std::string(theirs) + kind);
      if (node.empty()) continue;
      if (node.mapped().shape.size() == 4) flatten_filters(node.mapped());
      node.key() = std::string(ours) + kind;
      if (!tensors.insert(std::move(node)).inserted)
        refuse(fmt::format("has both \"{}{}\" and \"{}{}\"", theirs, kind, ours, kind));
    }
  }
}

}  // namespace backdrop
