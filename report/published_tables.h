/// \file
/// The challenge's and IN-9's tables with the columns of the published ones
/// (https://github.com/MadryLab/backgrounds_challenge), for one model or several. Private to report/.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "search/evaluation.h"

namespace backdrop {

/// One row of both tables.
struct PublishedRow {
  std::string model;
  std::optional<double> challenge_accuracy;
  bool is_bound = false;  ///< the challenge accuracy is an upper bound: the search was stopped early
  std::vector<VariationResult> evaluation;
};

/// Both tables as HTML, the second only if a row has something to say in it, and below them as Markdown.
std::string published_tables(const std::vector<PublishedRow>& rows);

}  // namespace backdrop
