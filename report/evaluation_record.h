/// \file
/// The IN-9 evaluation as JSON, and what it takes from a finished run.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "report/run_record.h"
#include "search/evaluation.h"

namespace backdrop {

struct EvaluationRecord {
  ModelRecord model;
  EngineRecord engine;
  std::string data_path;
  std::string data_sha256;  ///< of the run that this belongs to, if these are its data; empty: no run
  Versions versions;
  std::vector<VariationResult> results;
  std::optional<double> challenge_accuracy;  ///< of a finished run with the same checkpoint
};

std::string evaluation_json(const EvaluationRecord& record);

/// The challenge accuracy in FOLDER/run.json. Throws bad_input unless it is one of a search of all
/// foregrounds to its end, with the checkpoint of `checkpoint_sha256`.
double challenge_accuracy_of_run(const std::filesystem::path& folder, const std::string& checkpoint_sha256);

}  // namespace backdrop
