/// \file
/// What `backdrop challenge` is told.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "cli/budget.h"
#include "cli/model_options.h"
#include "search/result_folder.h"

namespace backdrop {

struct ChallengeOptions {
  ModelOptions model;
  DeviceOptions device;
  std::string data_path;
  std::string mode = "first";
  std::string order = "adaptive";
  Budget budget;
  std::string shard = "1/1";
  std::string out;
  std::string logits;
  bool force = false;
  bool resume = false;
  bool json = false;
  bool quiet = false;

  ResultFolder::Existing existing() const {
    if (force) return ResultFolder::Existing::replace;
    return resume ? ResultFolder::Existing::resume : ResultFolder::Existing::refuse;
  }
};

void add_challenge_options(CLI::App& command, const std::shared_ptr<ChallengeOptions>& options);

/// Throws usage for options that exclude each other, and for files that may not be replaced: before the
/// search, which may take days.
void check_combination(const ChallengeOptions& options);

}  // namespace backdrop
