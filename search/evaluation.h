/// \file
/// The IN-9 evaluation: top-1 accuracy on the variations of the release, and the BG-Gap
/// (https://github.com/MadryLab/backgrounds_challenge, in9_eval.py).
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/parallel.h"
#include "engine/engine.h"

namespace backdrop {

struct VariationResult {
  std::string variation;  ///< folder name: "mixed_same"
  int images = 0;
  int correct = 0;
  std::string sha256 = {};  ///< over the names of classes and photos and their pixels; empty: not known

  double accuracy() const { return images > 0 ? static_cast<double>(correct) / images : 0; }
};

/// What the caller wants to hear.
struct EvaluationHooks {
  /// After every batch read: photos done of the variation's total.
  std::function<void(const std::string& variation, std::size_t done, std::size_t total)> progress;
  std::function<bool()> stop;
  std::function<void(const std::string& line)> note;  ///< what a folder holds beside photos
};

/// The published name of a variation: "Mixed-Same" for "mixed_same".
std::string display_name(const std::string& variation);

/// "original", a list with commas and perhaps blanks, or "all" for those that ROOT has: in the published
/// order. Throws usage for an unknown name, bad_input for one that ROOT lacks and where variations have other
/// class directories than each other.
std::vector<std::string> select_variations(const std::filesystem::path& root, const std::string& selection);

/// Top-1 accuracy on all photos of ROOT/<variation>. Throws bad_input; failed if a logit is not a number;
/// interrupted if `hooks.stop` says so.
VariationResult evaluate_variation(Engine& engine, const ClassMap& map, const std::filesystem::path& root,
                                   const std::string& variation, ThreadPool& pool,
                                   const EvaluationHooks& hooks);

/// Both, in the published order; a variation evaluated again has its new result.
std::vector<VariationResult> merge_results(const std::vector<VariationResult>& earlier,
                                           const std::vector<VariationResult>& added);

/// The result of one variation; null if there is none.
const VariationResult* find_result(const std::vector<VariationResult>& results, const std::string& variation);

/// The accuracy on one variation, if it was evaluated.
std::optional<double> accuracy_on(const std::vector<VariationResult>& results, const std::string& variation);

/// Accuracy on Mixed-Same minus Mixed-Rand, when both were evaluated.
std::optional<double> background_gap(const std::vector<VariationResult>& results);

}  // namespace backdrop
