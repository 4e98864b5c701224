/// \file
/// The challenge's result for people.
#pragma once

#include <string>

#include "report/run_record.h"

namespace backdrop {

/// Classes, most adversarial backgrounds (if all pairs were evaluated) and the summary; `folder` is where the
/// results were written, empty for nowhere.
std::string challenge_tables(const RunRecord& record, const ChallengeInput& input,
                             const ChallengeStatistics& statistics, const std::string& folder);

}  // namespace backdrop
