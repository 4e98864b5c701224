/// \file
/// Checkpoints without PyTorch: the zip and the legacy format of torch.save, and safetensors.
///
/// No code of a checkpoint is ever run: the pickle reader is an allow-list of opcodes and globals.
///
/// \code
/// auto checkpoint = backdrop::load_checkpoint("resnet18-in9.pt");
/// checkpoint.tensors.at("conv1.weight").shape;  // {64, 3, 7, 7}
/// \endcode
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "loaders/tensor.h"

namespace backdrop {

/// Per-channel mean and standard deviation of the RGB input in [0,1].
struct Normalization {
  std::array<float, 3> mean{};
  std::array<float, 3> deviation{};
};

/// What a checkpoint file holds.
struct Checkpoint {
  /// Names without wrappers ("conv1.weight", "features.0.weight"), num_batches_tracked left out.
  StateDict tensors;
  /// The checkpoint's own `normalizer.new_mean/new_std`, if it has them.
  std::optional<Normalization> normalization;
  /// "pytorch-zip", "pytorch-legacy" or "safetensors".
  std::string format;
  /// SHA-256 of the file, hex.
  std::string sha256;
  /// Key-value metadata of a safetensors file; empty for the others.
  std::map<std::string, std::string> metadata;
  /// The keys of dicts of tensors in a file of PyTorch that are not read, as "state_dict_ema".
  std::vector<std::string> other_dicts;
};

/// Reads a checkpoint of any supported format, told apart by content and not by name. Throws bad_input that
/// names the file and what it is instead (a TorchScript archive, an HTML page, a git-LFS pointer, ...).
Checkpoint load_checkpoint(const std::filesystem::path& path);

/// The same for a file that is in memory already. Errors name no file.
Checkpoint parse_checkpoint(std::span<const std::uint8_t> file);

/// Writes fp32 tensors and metadata as safetensors, atomically (a temporary file, then a rename).
void save_safetensors(const std::filesystem::path& path, const StateDict& tensors,
                      const std::map<std::string, std::string>& metadata);

}  // namespace backdrop
