// backdrop merge: the shards of a search as one result folder.
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "backdrop/error.h"
#include "cli/challenge_tables.h"
#include "cli/commands.h"
#include "cli/finished_run.h"
#include "cli/model_options.h"
#include "cli/version.h"
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
    if (!ResultFolder::is_finished(folder))
      throw Error(ErrorCode::bad_input, "is no finished run: finish the shard with --resume", folder);
    shards.records.push_back(read_run_record(folder));
    const Shard shard = shards.records.back().options.shard;
    parse_shard(shard.text());  // checks what a file says
    shards.runs.push_back({folder, shard, read_run_identity(folder)});
  }
  check_shards(shards.runs);
  return shards;
}

RunRecord merged_record(const std::vector<RunRecord>& records) {
  RunRecord merged = records.front();
  merged.options.shard = {};
  merged.evaluated = merged.recorded = 0;
  merged.search_seconds = 0;
  for (const RunRecord& record : records) {
    merged.evaluated += record.evaluated;
    merged.recorded += record.recorded;
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

void store_rows(ResultFolder& folder, const PairMatrix& pairs) {
  std::vector<int> backgrounds(static_cast<std::size_t>(pairs.backgrounds));
  for (std::size_t b = 0; b < backgrounds.size(); ++b) backgrounds[b] = static_cast<int>(b);
  for (int f = 0; f < pairs.foregrounds; ++f) {
    const std::size_t begin = pairs.index(f, 0);
    folder.store({f,
                  backgrounds,
                  std::span(pairs.predictions).subspan(begin, backgrounds.size()),
                  std::span(pairs.margins).subspan(begin, backgrounds.size()),
                  {}});
  }
}

void run_merge(const MergeOptions& options) {
  const Shards shards = read_shards(options.shards);
  ResultFolder folder(options.out,
                      options.force ? ResultFolder::Existing::replace : ResultFolder::Existing::refuse);
  RunRecord record = merged_record(shards.records);
  if (!options.data_path.empty()) record.data_path = absolute_path(options.data_path);
  const ChallengeInput input = load_run_data(record, record.data_path);
  const PairMatrix pairs = merge_answers(shards, input);
  const ClassMap map = load_run_class_map(record);
  const ChallengeStatistics statistics =
      compute_statistics(pairs, input.foreground_labels(), input.background_labels(), map,
                         static_cast<int>(input.classes.size()));
  folder.begin(input.foregrounds.size(), input.background_names.size());
  store_rows(folder, pairs);
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
