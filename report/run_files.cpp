#include "report/run_files.h"

#include <sys/resource.h>

#include <ctime>
#include <string>
#include <utility>

namespace backdrop {
namespace {

/// Of this process so far.
std::size_t peak_memory_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::size_t>(usage.ru_maxrss) * 1024;  // Linux counts KiB
}

}  // namespace

void write_run_files(ResultFolder& folder, const RunPage& run) {
  folder.write_answers(run.pairs);
  folder.write("foregrounds.csv", foregrounds_csv(run.input, run.statistics));
  folder.write("backgrounds.csv", backgrounds_csv(run.input, run.statistics));
  folder.write("report.html", report_page(run));
  folder.write("run.json", run.run_json);
}

EngineRecord engine_record(const Engine& engine) {
  return {.device = engine.device(),
          .description = engine.description(),
          .batch = engine.batch(),
          .threads = engine.threads(),
          .tile = engine.tile(),
          .workspace_bytes = engine.workspace_bytes(),
          .cache_bytes = engine.cache_bytes(),
          .cache_limit = engine.cache_limit(),
          .peak_memory_bytes = peak_memory_bytes(),
          .multiply_adds = engine.multiply_adds(),
          .background_fills = engine.background_fills(),
          .ranks = {}};
}

void record_result(RunRecord& record, const Engine& engine, const SearchResult& result) {
  record.engine = engine_record(engine);
  record.screening = engine.screening();
  if (record.screening)
    record.screening->set_counts(static_cast<std::int64_t>(result.evaluated), result.decided_again);
  record.search_seconds = result.seconds;
  record.evaluated = result.evaluated;
  record.recorded = result.recorded;
  record.resumed = result.resumed;
  record.complete = result.complete;
}

void record_ranks(RunRecord& record, std::vector<RankWork> ranks) {
  record.engine.multiply_adds = record.engine.background_fills = 0;
  if (record.screening) record.screening->again_seconds = 0;
  for (const RankWork& rank : ranks) {
    record.engine.multiply_adds += rank.multiply_adds;
    record.engine.background_fills += rank.background_fills;
    if (record.screening) record.screening->again_seconds += rank.again_seconds;
  }
  record.engine.description += ", " + std::to_string(ranks.size()) + " ranks";
  record.engine.ranks = std::move(ranks);
}

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  const std::size_t length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {text, length};
}

}  // namespace backdrop
