#include "report/run_files.h"

#include <sys/resource.h>

#include <algorithm>
#include <ctime>
#include <string>
#include <utility>

#include "engine/recheck.h"

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

void record_ranks(RunRecord& record, std::vector<RankWork> ranks) {
  record.engine.multiply_adds = record.engine.background_fills = 0;
  if (record.screening) {
    record.screening->composites = record.screening->rechecked = record.screening->audited = 0;
    record.screening->again_seconds = 0;
    if (record.screening->second) record.screening->second->composites = 0;
  }
  for (const RankWork& rank : ranks) {
    record.engine.multiply_adds += rank.multiply_adds;
    record.engine.background_fills += rank.background_fills;
    if (!record.screening) continue;
    record.screening->composites += rank.composites;
    if (record.screening->second) record.screening->second->composites += rank.second;
    record.screening->rechecked += rank.rechecked;
    record.screening->audited += rank.audited;
    record.screening->again_seconds += rank.again_seconds;
  }
  if (record.screening)
    record.screening->wrong_share_bound =
        wrong_share_bound(record.screening->wrong, record.screening->audited);
  record.engine.description += ", " + std::to_string(ranks.size()) + " ranks";
  record.engine.ranks = std::move(ranks);
}

TensorNames first_names(const std::vector<std::string>& names) {
  const auto kept = static_cast<std::ptrdiff_t>(std::min(names.size(), TensorNames::kMost));
  return {names.size(), {names.begin(), names.begin() + kept}};
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
