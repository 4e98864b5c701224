/// \file
/// The challenge's result, for people and for its folder.
#pragma once

#include <string>

#include "report/run_page.h"
#include "report/run_record.h"
#include "search/result_folder.h"

namespace backdrop {

/// Classes, most adversarial backgrounds (if all pairs were evaluated) and the summary; `folder` is where the
/// results were written, empty for nowhere.
std::string challenge_tables(const RunRecord& record, const ChallengeInput& input,
                             const ChallengeStatistics& statistics, const std::string& folder);

/// Writes all text files of a run.
void write_run_files(ResultFolder& folder, const RunPage& run);

/// "51.11%", or "-" for NaN.
std::string percent(double share);

}  // namespace backdrop
