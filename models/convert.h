/// \file
/// Engine-ready checkpoints: the folded weights of a Network as safetensors, with their provenance as
/// metadata.
///
/// Tensors are "<layer name>.weight" and "<layer name>.bias" in the layouts of Layer. Metadata:
///
/// - `backdrop.format`: "folded-1".
/// - `backdrop.arch`: the architecture's name.
/// - `backdrop.mean`, `.deviation`: three numbers, separated by spaces, that read back to the same bits.
/// - `backdrop.checkpoint_parameters`: trainable parameters of the original checkpoint.
/// - `backdrop.source`, `.source_sha256`, `.source_format`: the original checkpoint.
/// - `backdrop.filled_in`, `.left_out`: how many tensors were missing and unexpected, where a partial one was
///   allowed.
///
/// \code
/// const auto folded = backdrop::export_folded(network, checkpoint, report, "resnet50.pt");
/// backdrop::save_safetensors("resnet50.safetensors", folded.tensors, folded.metadata);
/// \endcode
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "loaders/checkpoint.h"
#include "models/build.h"
#include "models/network.h"

namespace backdrop {

/// What save_safetensors takes.
struct FoldedCheckpoint {
  StateDict tensors;
  std::map<std::string, std::string> metadata;
};

/// What a folded checkpoint's metadata says about the network.
struct FoldedHeader {
  std::string arch;
  std::optional<Normalization> normalization;
  std::int64_t checkpoint_parameters = 0;
  std::int64_t filled_in = 0;  ///< tensors, as BuildReport has them
  std::int64_t left_out = 0;   ///< likewise
};

/// The folded weights of `network` as build_network made it from `source`; `source_name` is the name to
/// record. The provenance of a source that is itself a folded checkpoint is carried over.
FoldedCheckpoint export_folded(const Network& network, const Checkpoint& source, const BuildReport& report,
                               const std::string& source_name);

/// The header of a folded checkpoint; nothing for any other checkpoint. Throws bad_input, naming `file`, if
/// the format is a later one or the metadata is damaged.
std::optional<FoldedHeader> read_folded_header(const Checkpoint& checkpoint, const std::string& file);

}  // namespace backdrop
