// backdrop merge: the shards of a search as one result folder.
#include <fmt/format.h>

#include <memory>
#include <optional>

#include "backdrop/error.h"
#include "cli/challenge_tables.h"
#include "cli/commands.h"
#include "cli/finished_run.h"
#include "cli/model_options.h"
#include "cli/version.h"
#include "engine/screening.h"
#include "loaders/file.h"
#include "report/run_files.h"
#include "report/run_reader.h"
#include "search/merge.h"
#include "search/result_folder.h"

namespace backdrop {
namespace {

struct MergeOptions {
  std::string out;
  std::vector<std::string> shards;
  std::string data_path;
  bool force = false;
  bool json = false;
};

/// What the shards' run.json say.
struct Shards {
  std::vector<ShardRun> runs;
  std::vector<RunRecord> records;
};

Shards read_shards(const std::vector<std::string>& folders) {
  Shards shards;
  for (const std::string& folder : folders) {
    shards.records.push_back(read_run_record(folder));
    // A run killed in its last step has a whole run.json in its .partial.
    if (!shards.records.back().complete || ResultFolder::is_partial(folder))
      throw Error(ErrorCode::bad_input, "was stopped before its end: finish it with challenge --resume",
                  folder);
    const Shard shard = shards.records.back().options.shard;
    parse_shard(shard.text());  // checks what a file says
    shards.runs.push_back({folder, shard, read_run_identity(folder)});
  }
  check_shards(shards.runs);
  return shards;
}

/// Throws usage unless all have the precision of the first: what run.json says of it beside the identity.
std::optional<ScreeningReport> merged_screening(const Shards& shards) {
  const std::string precision = shards.records.front().precision();
  std::vector<ScreeningReport> parts;
  for (std::size_t i = 0; i < shards.records.size(); ++i) {
    const RunRecord& record = shards.records[i];
    if (record.precision() != precision)
      throw Error(ErrorCode::usage,
                  fmt::format("is no shard of the same run as {}: its precision is {}, not {}",
                              shards.runs.front().folder.string(), record.precision(), precision),
                  shards.runs[i].folder.string());
    if (record.screening) parts.push_back(*record.screening);
  }
  if (parts.empty()) return std::nullopt;
  return sum_of(parts);
}

/// A run.json may say anything, and these are looked up by label.
void check_labels(const std::optional<ScreeningReport>& screening, const ChallengeInput& input) {
  if (!screening) return;
  auto errors = screening->errors;
  if (screening->second)
    errors.insert(errors.end(), screening->second->errors.begin(), screening->second->errors.end());
  for (const ScreeningReport::ClassError& error : errors)
    if (static_cast<std::size_t>(error.label) >= input.classes.size())
      throw Error(ErrorCode::bad_input, "a shard's run.json names a class that the data do not have");
}

RunRecord merged_record(const Shards& shards) {
  const std::vector<RunRecord>& records = shards.records;
  RunRecord merged = records.front();
  merged.options.shard = {};
  merged.screening = merged_screening(shards);
  merged.evaluated = merged.recorded = merged.resumed = 0;
  merged.search_seconds = 0;
  for (const RunRecord& record : records) {
    merged.evaluated += record.evaluated;
    merged.recorded += record.recorded;
    merged.resumed += record.resumed;
    merged.search_seconds += record.search_seconds;
  }
  merged.engine.description = fmt::format("merged from {} shards", records.size());
  merged.versions = program_versions();
  return merged;
}

PairMatrix merge_answers(const Shards& shards, const ChallengeInput& input) {
  const auto foregrounds = static_cast<int>(input.foregrounds.size());
  const auto backgrounds = static_cast<int>(input.background_names.size());
  PairMatrix whole(foregrounds, backgrounds);
  for (const ShardRun& run : shards.runs)
    place_shard(read_answers(run.folder, shard_foregrounds(run.shard, foregrounds), backgrounds,
                             shards.records.front().model.classes),
                run.shard, whole);
  return whole;
}

/// Throws usage if the result would replace one of the shards that it is made of.
void require_other_folder(const MergeOptions& options) {
  for (const std::string& shard : options.shards) {
    std::error_code ignored;
    if (std::filesystem::equivalent(options.out, shard, ignored))
      throw Error(ErrorCode::usage, "is both OUT and a shard: give another OUT first, then all shards",
                  options.out);
  }
}

void run_merge(const MergeOptions& options) {
  require_other_folder(options);
  const Shards shards = read_shards(options.shards);
  ResultFolder folder(options.out,
                      options.force ? ResultFolder::Existing::replace : ResultFolder::Existing::refuse);
  RunRecord record = merged_record(shards);
  if (!options.data_path.empty()) record.data_path = absolute_path(options.data_path);
  const ChallengeInput input = load_run_data(record, record.data_path);
  check_labels(record.screening, input);
  const PairMatrix pairs = merge_answers(shards, input);
  const ClassMap map = load_run_class_map(record);
  const ChallengeStatistics statistics = compute_statistics(pairs, input, map);
  folder.begin();
  const std::string json = run_json(record, input, statistics);
  write_run_files(folder, {record, json, input, statistics, pairs, map, {}});
  folder.commit();
  fmt::print("{}", options.json ? json : challenge_tables(record, input, statistics, options.out));
}

}  // namespace

void add_merge_command(CLI::App& application) {
  auto options = std::make_shared<MergeOptions>();
  CLI::App* command =
      application.add_subcommand("merge", "Put the shards of a search together (challenge --shard)");
  command->add_option("out", options->out, "Folder for the whole result")->required()->type_name("OUT");
  command->add_option("shards", options->shards, "Finished folders of all shards, in any order")
      ->required()
      ->type_name("SHARD...");
  command
      ->add_option("--data-path", options->data_path,
                   "Root of the data, if it is no longer where the shards found it")
      ->type_name("DIR");
  command->add_flag("--force", options->force, "Replace a run in OUT");
  command->add_flag("--json", options->json, "Print run.json instead of tables");
  command->callback([options] { run_merge(*options); });
}

}  // namespace backdrop
