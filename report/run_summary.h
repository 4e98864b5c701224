/// \file
/// What finished runs and evaluations say in their folders, for comparing models.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "search/evaluation.h"

namespace backdrop {

/// Read from FOLDER/run.json and FOLDER/eval.json; what they do not say is empty.
struct RunSummary {
  std::filesystem::path folder;
  std::string arch;
  std::string checkpoint;
  std::string checkpoint_sha256;
  bool own_normalization = false;  ///< its program gave a mean and deviation for the checkpoint's
  std::optional<int> filled_in;    ///< tensors that the checkpoint lacked
  std::string data_path;
  std::string data_sha256;  ///< of the challenge's data
  std::string mode;
  std::string shard;                         ///< "1/4"; empty for the whole search
  std::optional<double> challenge_accuracy;  ///< if `is_bound` at most that
  bool is_bound = false;                     ///< the search was stopped early
  std::optional<int> foregrounds;
  std::optional<int> backgrounds;
  std::optional<int> vulnerable;
  std::vector<std::pair<std::string, std::optional<double>>> classes;  ///< folder's name, challenge accuracy
  std::vector<VariationResult> evaluation;
  std::string evaluation_path;           ///< of its data
  std::string evaluation_data_sha256;    ///< of the run that it was made for
  std::optional<double> noted_accuracy;  ///< the challenge accuracy that the evaluation was given

  /// The evaluation beside a challenge was made on other data.
  bool is_mixed() const {
    return challenge_accuracy && !evaluation.empty() && evaluation_data_sha256 != data_sha256;
  }
};

/// Throws bad_input if the folder has neither file, if one cannot be parsed, or if they are of two
/// checkpoints.
RunSummary read_run_summary(const std::filesystem::path& folder);

/// The best challenge accuracy first; where there is none, by the clean accuracy.
void sort_by_accuracy(std::vector<RunSummary>& runs);

/// What to know before a row is compared with the others, in words: other data than the first row with
/// that figure, a bound, a part. Empty if nothing.
std::string remark(const RunSummary& run, const std::vector<RunSummary>& runs);

/// {"format": "backdrop-report-1", "runs": [...]}.
std::string summaries_json(const std::vector<RunSummary>& runs);

/// The leaderboard as one self-contained page.
std::string comparison_page(const std::vector<RunSummary>& runs);

}  // namespace backdrop
