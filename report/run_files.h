/// \file
/// A run's files, in its folder.
#pragma once

#include <string>
#include <vector>

#include "engine/engine.h"
#include "report/run_page.h"
#include "report/run_record.h"
#include "search/result_folder.h"
#include "search/runner.h"

namespace backdrop {

/// Writes all files of a run.
void write_run_files(ResultFolder& folder, const RunPage& run);

/// What results say of the engine they were computed on.
EngineRecord engine_record(const Engine& engine);
/// Adds what a search has found and the engine has to say. What was decided again below fp32 is that of all
/// sessions and ranks, as the blocks say; the error bounds are this engine's, which measured the same sample.
void record_result(RunRecord& record, const Engine& engine, const SearchResult& result);
/// After that: puts the sums over all ranks in the place of rank 0's own counts.
void record_ranks(RunRecord& record, std::vector<RankWork> ranks);

/// "2020-06-24T12:00:00Z".
std::string utc_now();

}  // namespace backdrop
