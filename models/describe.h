/// \file
/// A network's layers as rows of a table for people.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/network.h"

namespace backdrop {

/// One layer. Texts are short enough for a column each.
struct LayerRow {
  std::string name;
  std::string operation;  ///< "conv 3x3 stride 2 pad 1, 32 groups", "max pool 3x3 stride 2 pad 1", "linear"
  std::string input;      ///< height x width x channels, "56x56x64"
  std::string output;
  std::string residual;    ///< name of the layer whose output is added, empty for none
  std::string activation;  ///< "relu", "leaky relu" or empty
  std::int64_t parameters = 0;
  std::int64_t macs = 0;  ///< for one image
};

/// One row a layer, in execution order.
std::vector<LayerRow> describe_layers(const Network& network);

}  // namespace backdrop
