// backdrop challenge: the search for fooling backgrounds, its result folder and its tables.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "backdrop/error.h"
#include "cli/challenge_options.h"
#include "cli/challenge_tables.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/note.h"
#include "cli/progress.h"
#include "cli/standard_streams.h"
#include "cli/version.h"
#include "core/clock.h"
#include "engine/device_choice.h"
#include "engine/hand_off.h"
#include "loaders/dataset.h"
#include "loaders/file.h"
#include "report/run_files.h"
#include "report/run_reader.h"
#include "report/run_record.h"
#include "search/logits_file.h"
#include "search/merge.h"
#include "search/mpi_executor.h"
#include "search/result_folder.h"
#include "search/runner.h"
#include "search/statistics.h"

namespace backdrop {
namespace {

/// Everything a search needs, in memory.
struct Preparation {
  LoadedModel model;
  ChallengeInput input;
  std::unique_ptr<Engine> engine;
  RunRecord record;
};

/// Between the steps of preparing: minutes, with a large network.
void stop_if_interrupted() {
  if (interrupted()) throw Error(ErrorCode::interrupted, "interrupted before the search");
}

/// Ranks on one machine divide the memory that each of them finds available.
DeviceOptions share_memory(DeviceOptions device, const Ranks* ranks) {
  if (ranks && device.cache_memory == 0 && !parse_device(device.device).gpu)
    device.cache_memory =
        std::max<std::size_t>(1, default_cache_memory() / static_cast<std::size_t>(ranks->size_on_machine()));
  return device;
}

/// The engine, ready to search. Of several ranks rank 0 chooses what `--precision auto` is.
void start_engine(Preparation& ready, DeviceOptions device, Ranks* ranks) {
  const bool chooses = device.precision == "auto" && (!ranks || ranks->rank() == 0);
  if (ranks && !chooses) {
    const std::string precision = text_of_first(*ranks, device.precision);
    if (device.precision == "auto") device.precision = precision;
  }
  ready.engine = make_engine(ready.model, share_memory(std::move(device), ranks));
  stop_if_interrupted();
  prepare_engine(*ready.engine, ready.input, interrupted);
  stop_if_interrupted();
  ready.record.screening = ready.engine->screening();
  if (ranks && chooses) text_of_first(*ranks, asked_precision(ready.record.precision()));
}

/// All but the engine.
Preparation read_inputs(const ChallengeOptions& options, ProgressLine& progress) {
  Preparation ready;
  ready.record.started = utc_now();
  const Shard shard = parse_shard(options.shard);
  // Every job of an array that cannot be merged ends here, before it takes long.
  if (!shard.is_whole()) check_shard(shard, list_foregrounds(options.data_path).size());
  progress.announce("reading " + options.model.checkpoint);
  ready.model = load_model(options.model);
  stop_if_interrupted();
  progress.announce("reading " + options.data_path);
  {
    ThreadPool pool(options.device.threads);
    ready.input = load_challenge_input(options.data_path, pool);
    stop_if_interrupted();
    ready.record.data_sha256 = manifest_sha256(ready.input, pool);
  }
  select_shard(ready.input, shard);
  check_input(ready.input, ready.model.network->input);
  stop_if_interrupted();
  ready.record.model = ready.model.record;
  ready.record.data_path = absolute_path(options.data_path);
  ready.record.options = {.mode = options.mode,
                          .order = options.mode == "first" ? options.order : "plain",
                          .shard = shard,
                          .reuse = is_on(options.device.reuse) && options.device.kernels == "own",
                          .cache_memory = static_cast<std::size_t>(options.device.cache_memory),
                          .allow_partial = options.model.allow_partial};
  record_class_map(ready.model.class_map, ready.record.options);
  ready.record.versions = program_versions();
  return ready;
}

Preparation prepare(const ChallengeOptions& options, Ranks* ranks, ProgressLine& progress) {
  const Clock::time_point start = Clock::now();
  Preparation ready = read_inputs(options, progress);
  progress.announce("preparing " + options.device.precision);
  start_engine(ready, options.device, ranks);
  ready.record.load_seconds = seconds_since(start);
  return ready;
}

SearchResult search(Preparation& ready, const PlanShape& shape, const Budget& budget, Clock::time_point begun,
                    SearchHooks hooks, ProgressLine& progress) {
  const auto plan = make_plan(ready.record.options.mode, ready.record.options.order, shape, ready.input);
  hooks.stop = interrupted;
  hooks.enough = [&budget, begun](const SearchProgress& state) {
    return budget.is_spent(state.evaluated, seconds_since(begun));
  };
  hooks.progress = [&progress](const SearchProgress& state) {
    progress.show(static_cast<double>(state.settled) / static_cast<double>(state.total),
                  search_progress_text(state));
  };
  return run_search(*ready.engine, ready.input, ready.model.class_map.map, *plan, shape, hooks);
}

/// Whether there is nothing left to resume, as rank 0 sees it.
bool is_finished(const ChallengeOptions& options, Ranks* ranks) {
  const bool finished = options.resume && ResultFolder::is_finished(options.out);
  return ranks ? text_of_first(*ranks, finished ? "finished" : "") == "finished" : finished;
}

/// Asked to resume what is done: checks that it is this run, tidies up behind a kill in its last step and
/// prints the answer that is there.
void print_finished(const ChallengeOptions& options, std::optional<ProgressLine>& progress) {
  const Preparation ready = read_inputs(options, *progress);
  progress.reset();
  require_finished_run(options.out, ready.record, options.device.precision);
  ResultFolder::remove_leftovers(options.out);
  if (!options.quiet) print_error(options.out + ": is finished already\n");
  const PairMatrix pairs =
      read_answers(options.out, static_cast<int>(ready.input.foregrounds.size()),
                   static_cast<int>(ready.input.background_names.size()), ready.model.network->classes());
  const ChallengeStatistics statistics = compute_statistics(pairs, ready.input, ready.model.class_map.map);
  const RunRecord record = read_run_record(options.out);
  fmt::print("{}", options.json ? read_run_json(options.out)
                                : challenge_tables(record, ready.input, statistics, options.out));
}

/// Going on, `auto` is what the run was begun with.
void take_precision(const RunIdentity& resumed, ChallengeOptions& options) {
  if (options.device.precision == "auto")
    options.device.precision = asked_precision(identity_value(resumed, "precision").value_or("auto"));
}

/// Says on stderr that the model answers hardly better than by guessing, mostly for want of its own class map
/// or normalisation. Foregrounds count alike, however many of their pairs were tried.
void note_guessing(const ChallengeStatistics& statistics) {
  constexpr double kGuessing = 0.8;  // eight of nine guesses are wrong
  double share = 0;
  std::size_t tried = 0;
  for (const ForegroundStatistics& foreground : statistics.foregrounds) {
    if (foreground.evaluated == 0) continue;
    share += static_cast<double>(foreground.fooled) / foreground.evaluated;
    ++tried;
  }
  if (tried == 0 || share < kGuessing * static_cast<double>(tried)) return;
  print_note(
      fmt::format("{:.0f}% of what was tried fooled, about as with guesses: are the order of the classes or "
                  "the class map, and mean and deviation, this model's? (eval --eval-dataset original shows "
                  "its accuracy without any pasting)",
                  100 * share / static_cast<double>(tried)));
}

/// The search and its results: what the only process does, or rank 0. `folder` is null where none is kept.
void lead_search(const ChallengeOptions& options, Clock::time_point begun, Ranks* ranks, ResultFolder* folder,
                 Preparation& ready, std::optional<ProgressLine>& progress) {
  const bool with_logits = !options.logits.empty();
  const auto classes = static_cast<std::size_t>(ready.engine->classes());
  std::optional<RankExecutor> executor;
  if (ranks) executor.emplace(*ranks, *ready.engine, ready.input, with_logits ? classes : 0);
  // Only where whole rows of backgrounds are taken do the ranks divide them.
  const int engines = ranks && options.mode == "all" ? ranks->size() : 1;
  PlanShape shape = plan_shape(*ready.engine, ready.input, engines);
  SearchHooks hooks;
  if (executor) hooks.executor = &*executor;
  if (folder) {
    hooks.journal = &folder->begin(run_identity(ready.record), shape);
    shape = hooks.journal->shape();
  }
  std::optional<LogitsFile> logits;
  if (with_logits)
    hooks.sinks.push_back(&logits.emplace(options.logits, ready.input.foregrounds.size(),
                                          ready.input.background_names.size(), classes));
  const SearchResult result = search(ready, shape, options.budget, begun, hooks, *progress);
  record_result(ready.record, *ready.engine, result);
  if (executor) record_ranks(ready.record, executor->work());
  const ChallengeStatistics statistics =
      compute_statistics(result.pairs, ready.input, ready.model.class_map.map);
  const std::string json = run_json(ready.record, ready.input, statistics);
  if (logits) logits->commit();
  if (folder)
    write_run_files(
        *folder, {ready.record, json, ready.input, statistics, result.pairs, ready.model.class_map.map, {}});
  if (folder && result.complete) folder->commit();
  progress.reset();
  if (!options.quiet) note_guessing(statistics);
  std::string place = options.out;
  if (folder && !result.complete) place = folder->can_be_resumed() ? folder->partial().string() : "";
  fmt::print("{}", options.json ? json : challenge_tables(ready.record, ready.input, statistics, place));
}

void run_challenge(ChallengeOptions options) {
  const Clock::time_point begun = Clock::now();
  check_combination(options);
  watch_for_interrupts();
  Ranks* ranks = join_ranks();
  const bool leads = ranks == nullptr || ranks->rank() == 0;
  std::optional<ProgressLine> progress(options.quiet || !leads);
  if (is_finished(options, ranks)) {
    if (leads) print_finished(options, progress);
    return;
  }
  check_device(options.device);
  std::optional<ResultFolder> folder;
  if (leads && !options.out.empty()) folder.emplace(options.out, options.existing());
  if (folder && folder->unfinished()) take_precision(*folder->unfinished(), options);
  Preparation ready = prepare(options, ranks, *progress);
  if (leads)
    for (const std::string& note : ready.input.notes) print_note(note);
  if (leads && !options.quiet) note_normalization(options.model, ready.record.model);
  if (leads && !folder && !options.quiet)
    print_note("without --out the results are not kept, and the search cannot be resumed");
  if (ranks) require_same_run(*ranks, run_identity(ready.record));
  if (!leads) return serve_blocks(*ranks, *ready.engine, ready.input, interrupted);
  lead_search(options, begun, ranks, folder ? &*folder : nullptr, ready, progress);
}

}  // namespace

void add_challenge_command(CLI::App& application) {
  auto options = std::make_shared<ChallengeOptions>();
  CLI::App* command = application.add_subcommand(
      "challenge", "Find the foregrounds that some background fools, and the backgrounds that fool most");
  add_challenge_options(*command, options);
  command->callback([options] { run_challenge(*options); });
}

}  // namespace backdrop
