/// \file
/// Finished runs, read back from their folders.
#pragma once

#include <filesystem>
#include <string>

#include "report/run_record.h"

namespace backdrop {

/// The identity in FOLDER/run.json. Throws bad_input.
RunIdentity read_run_identity(const std::filesystem::path& folder);

/// The record in FOLDER/run.json, but for engine, versions and times. Throws bad_input.
RunRecord read_run_record(const std::filesystem::path& folder);

/// Throws usage unless the finished run in FOLDER is what `asked` would come to in `precision`, which may be
/// "auto". No engine has to be made for it: `asked` needs no screening.
void require_finished_run(const std::filesystem::path& folder, const RunRecord& asked,
                          const std::string& precision);

/// Throws bad_input if FOLDER has no run.json because its run is still to be finished.
void refuse_unfinished_run(const std::filesystem::path& folder);

/// The text of FOLDER/run.json, which the others read. Throws bad_input.
std::string read_run_json(const std::filesystem::path& folder);

}  // namespace backdrop
