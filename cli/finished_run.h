/// \file
/// What a finished run's folder leaves to be found again: its data and its class map, checked against the
/// hashes in run.json.
#pragma once

#include <string>

#include "report/run_record.h"

namespace backdrop {

/// The whole data below `path`. Throws bad_input if they are not those of the record.
ChallengeInput load_run_data(const RunRecord& record, const std::string& path);

/// The class map in the record, or where an older record has only its name, of that name. Throws bad_input if
/// it is no longer the one of the record.
ClassMap load_run_class_map(const RunRecord& record);

}  // namespace backdrop
