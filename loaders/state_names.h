/// \file
/// From the names in a checkpoint to torchvision's, which the model builder knows.
///
/// - The prefixes `module.` (DataParallel), `model.` (robustness, Lightning) and `_orig_mod.` (torch.compile)
///   are stripped, in any order and number; so is any other that all tensors share (Lightning's `net.`).
///   robustness's network may be such a member: `net.model.*`, `net.attacker.*` and `net.normalizer.*`.
/// - `attacker.*` is left out: MadryLab's robustness stores the network a second time under it.
/// - `normalizer.new_mean` and `normalizer.new_std` become Checkpoint::normalization.
/// - `*.num_batches_tracked` is left out.
/// - timm's names where they differ (state_names_timm.h).
#pragma once

#include "loaders/checkpoint.h"
#include "loaders/checkpoint_tensor.h"

namespace backdrop {

/// Converts the tensors of a file into `checkpoint.tensors` and `checkpoint.normalization`. Throws bad_input
/// if two names become one, if a normalizer is not one, or if a tensor does not fit; `file_size` bounds what
/// all unfold to.
void take_tensors(const RawStateDict& raw, std::uint64_t file_size, Checkpoint& checkpoint);

}  // namespace backdrop
