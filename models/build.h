/// \file
/// From a checkpoint's tensors to a Network. Depth, widths and class count are read off the tensors' shapes;
/// the architecture's name is inferred when none is given.
///
/// \code
/// const auto checkpoint = backdrop::load_checkpoint(path);
/// backdrop::BuildReport report;
/// const auto network = backdrop::build_network(checkpoint, {.arch = "resnet50"}, path, &report);
/// \endcode
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "loaders/checkpoint.h"
#include "models/network.h"

namespace backdrop {

struct BuildOptions {
  /// Empty: infer. A leaky ResNet has the same tensors as the plain one, so it is built only when it is
  /// named; the inferred architecture is always the plain one.
  std::string arch = {};
  /// Ignore unexpected tensors and fill in missing ones as PyTorch's load_state_dict(strict=False) leaves a
  /// network of zeros: weights and biases 0, batch normalisation with scale 1, shift 0, mean 0, variance 1.
  bool allow_partial = false;
  /// For the checkpoint's own, or the default. Finite numbers, and the deviation positive.
  std::optional<Normalization> normalization = std::nullopt;
};

/// What build_network found besides the network. Filled in before missing or unexpected tensors are refused.
struct BuildReport {
  std::string arch;                        ///< given or inferred
  std::int64_t checkpoint_parameters = 0;  ///< trainable ones in the file's tensors, as torchvision counts
  std::string normalization_source;        ///< "given", "checkpoint", or the default: "in9" or "imagenet"
  std::vector<std::string> missing;        ///< tensors the architecture needs and the file lacks
  std::vector<std::string> unexpected;     ///< tensors in the file that the architecture has no place for
  std::size_t filled_in = 0;  ///< how many were missing, of the original of a converted checkpoint, too
  std::size_t left_out = 0;   ///< how many were unexpected, likewise
};

/// Every architecture that can be built, by the published and torchvision's names.
const std::vector<std::string>& known_architectures();

/// Builds the network for `input` (default 224 x 224 x 3); VGG and AlexNet take no other size than one that
/// gives their classifier's 7 x 7 or 6 x 6 feature map. A checkpoint that export_folded wrote gives the
/// network that it was exported from, to the bit.
///
/// Throws bad_input, naming `file`, that lists missing and unexpected tensors, says that the tensors are of
/// another architecture than `options.arch` or of none, or names a tensor with a wrong shape, values that are
/// not finite or negative variances; usage for an unknown `options.arch` or an unusable `normalization`.
Network build_network(const Checkpoint& checkpoint, const BuildOptions& options, const std::string& file,
                      BuildReport* report = nullptr, ValueShape input = {224, 224, 3});

}  // namespace backdrop
