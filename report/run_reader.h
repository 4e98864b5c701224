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

/// The text of FOLDER/run.json. Throws bad_input.
std::string read_run_json(const std::filesystem::path& folder);

}  // namespace backdrop
