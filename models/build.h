/// \file
/// From a checkpoint's tensors to a Network. Depth, widths and class count are read off the tensors' shapes; the
/// architecture's name is inferred when none is given.
#pragma once

#include <string>
#include <vector>

#include "loaders/checkpoint.h"
#include "models/network.h"

namespace backdrop {

struct BuildOptions {
  std::string arch;             ///< empty: infer
  bool allow_partial = false;   ///< ignore unexpected tensors, zero missing ones
};

/// What build_network found besides the network.
struct BuildReport {
  std::string arch;                      ///< given or inferred
  std::int64_t checkpoint_parameters = 0;  ///< trainable parameters in the file's tensors (as torchvision counts)
  std::vector<std::string> missing;      ///< tensors the architecture needs and the file lacks
  std::vector<std::string> unexpected;   ///< tensors in the file that the architecture has no place for
};

/// Every architecture that can be built, by the published and torchvision's names.
const std::vector<std::string>& known_architectures();

/// Builds the network for `input` (default 224 x 224 x 3). Throws bad_input, naming `file`, that lists missing and
/// unexpected tensors, or says that the tensors are of another architecture than `options.arch`.
Network build_network(const Checkpoint& checkpoint, const BuildOptions& options, const std::string& file,
                      BuildReport* report = nullptr, ValueShape input = {224, 224, 3});

}  // namespace backdrop
