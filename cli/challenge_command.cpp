// backdrop challenge: the search for fooling backgrounds, its result folder and its tables.
#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <optional>

#include "backdrop/error.h"
#include "cli/budget.h"
#include "cli/challenge_tables.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/model_options.h"
#include "cli/note.h"
#include "cli/profile_window.h"
#include "cli/progress.h"
#include "cli/version.h"
#include "engine/device_choice.h"
#include "report/run_files.h"
#include "report/run_reader.h"
#include "report/run_record.h"
#include "search/mpi_executor.h"
#include "search/result_folder.h"
#include "search/runner.h"
#include "search/statistics.h"

namespace backdrop {
namespace {

using Clock = std::chrono::steady_clock;

struct ChallengeOptions {
  ModelOptions model;
  DeviceOptions device;
  std::string data_path;
  std::string mode = "first";
  std::string order = "adaptive";
  std::string budget;
  std::string shard = "1/1";
  std::string out;
  std::string logits;
  bool force = false;
  bool resume = false;
  bool json = false;
  bool quiet = false;

  ResultFolder::Existing existing() const {
    if (force) return ResultFolder::Existing::replace;
    return resume ? ResultFolder::Existing::resume : ResultFolder::Existing::refuse;
  }
  bool is_finished() const { return resume && ResultFolder::is_finished(out); }
};

void check_combination(const ChallengeOptions& options) {
  if (options.device.profile_window.count > 0 && !parse_device(options.device.device).gpu)
    throw Error(ErrorCode::usage,
                "--profile-window starts and stops NVIDIA's profilers: give --device cuda, or leave it out");
  if (!options.resume) return;
  if (options.out.empty()) throw Error(ErrorCode::usage, "--resume needs the run's folder: give --out");
  if (!options.logits.empty())
    throw Error(ErrorCode::usage, "--logits cannot be resumed: logits are not kept in the run's folder");
}

/// Everything a search needs, in memory.
struct Preparation {
  LoadedModel model;
  ChallengeInput input;
  std::unique_ptr<Engine> engine;
  RunRecord record;
};

Preparation prepare(const ChallengeOptions& options, ProgressLine& progress) {
  const Clock::time_point start = Clock::now();
  Preparation ready;
  ready.record.started = utc_now();
  progress.announce("reading " + options.model.checkpoint);
  ready.model = load_model(options.model);
  progress.announce("reading " + options.data_path);
  {
    ThreadPool pool(options.device.threads);
    ready.input = load_challenge_input(options.data_path, pool);
    ready.record.data_sha256 = manifest_sha256(ready.input, pool);
  }
  const Shard shard = parse_shard(options.shard);
  select_shard(ready.input, shard);
  check_input(ready.input, ready.model.network->input);
  ready.engine = make_engine(ready.model, options.device);
  prepare_engine(*ready.engine, ready.input);
  ready.record.model = ready.model.record;
  ready.record.data_path = absolute_path(options.data_path);
  ready.record.options = {.mode = options.mode,
                          .order = options.mode == "first" ? options.order : "plain",
                          .shard = shard,
                          .reuse = is_on(options.device.reuse),
                          .cache_memory = static_cast<std::size_t>(options.device.cache_memory),
                          .allow_partial = options.model.allow_partial,
                          .class_map = ready.model.class_map_name,
                          .class_map_sha256 = ready.model.class_map_sha256,
                          .class_map_labels = ready.model.class_map_labels};
  ready.record.versions = program_versions();
  ready.record.load_seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return ready;
}

std::unique_ptr<WorkPlan> make_plan(const PlanShape& shape, const Preparation& ready) {
  if (ready.record.options.mode == "all") return plan_all_pairs(shape);
  if (ready.record.options.order == "plain") return plan_first_fooling(shape);
  return plan_adaptive(shape, ready.input.foreground_labels(), ready.input.background_labels());
}

SearchResult search(Preparation& ready, const PlanShape& shape, const Budget& budget, SearchHooks hooks,
                    ProgressLine& progress) {
  const auto plan = make_plan(shape, ready);
  hooks.stop = interrupted;
  hooks.enough = [&budget](const SearchProgress& state) {
    return budget.is_spent(state.evaluated, state.seconds);
  };
  hooks.progress = [&progress](const SearchProgress& state) {
    progress.show(static_cast<double>(state.settled) / static_cast<double>(state.total),
                  search_progress_text(state));
  };
  return run_search(*ready.engine, ready.input, ready.model.map, *plan, shape, hooks);
}

/// Asked to resume what is done: checks that it is this run, and tidies up behind a kill in its last step.
void confirm_finished(const ChallengeOptions& options, const Preparation& ready) {
  const std::string difference =
      identity_difference(read_run_identity(options.out), run_identity(ready.record));
  if (!difference.empty())
    throw Error(ErrorCode::usage, "is a finished run of something else: " + difference, options.out);
  ResultFolder::remove_leftovers(options.out);
  if (!options.quiet) fmt::print(stderr, "{}: is finished already\n", options.out);
}

void run_challenge(const ChallengeOptions& options) {
  check_combination(options);
  check_device(options.device);
  const Budget budget = parse_budget(options.budget);
  watch_for_interrupts();
  Ranks* ranks = join_ranks();
  const bool leads = ranks == nullptr || ranks->rank() == 0;
  std::optional<ProgressLine> progress(options.quiet || !leads);
  std::optional<ResultFolder> folder;
  if (leads && !options.out.empty() && !options.is_finished())
    folder.emplace(options.out, options.existing());
  Preparation ready = prepare(options, *progress);
  if (leads)
    for (const std::string& note : ready.input.notes) print_note(note);
  std::optional<RankExecutor> executor;
  if (ranks) {
    require_same_run(*ranks, run_identity(ready.record));
    if (!leads) return serve_blocks(*ranks, *ready.engine, ready.input, interrupted);
    const bool with_logits = !options.logits.empty();
    executor.emplace(*ranks, *ready.engine, ready.input, with_logits ? ready.engine->classes() : 0);
  }
  if (options.is_finished() && !folder) return confirm_finished(options, ready);
  // Only where whole rows of backgrounds are taken do the ranks divide them.
  const int engines = ranks && options.mode == "all" ? ranks->size() : 1;
  PlanShape shape = plan_shape(*ready.engine, ready.input, engines);
  std::optional<LogitsFile> logits;
  SearchHooks hooks;
  if (executor) hooks.executor = &*executor;
  if (folder) {
    hooks.journal = &folder->begin(run_identity(ready.record), shape);
    shape = hooks.journal->shape();
    hooks.sinks.push_back(&*folder);
  }
  if (!options.logits.empty())
    hooks.sinks.push_back(&logits.emplace(options.logits, ready.input.foregrounds.size(),
                                          ready.input.background_names.size(),
                                          static_cast<std::size_t>(ready.engine->classes())));
  const SearchResult result = search(ready, shape, budget, hooks, *progress);
  ready.record.engine = engine_record(*ready.engine);
  ready.record.screening = ready.engine->screening();
  if (executor) record_ranks(ready.record, executor->work());
  ready.record.search_seconds = result.seconds;
  ready.record.evaluated = result.evaluated;
  ready.record.recorded = result.recorded;
  ready.record.resumed = result.resumed;
  ready.record.complete = result.complete;
  const ChallengeStatistics statistics =
      compute_statistics(result.pairs, ready.input.foreground_labels(), ready.input.background_labels(),
                         ready.model.map, static_cast<int>(ready.input.classes.size()));
  const std::string json = run_json(ready.record, ready.input, statistics);
  if (logits) logits->commit();
  if (folder)
    write_run_files(*folder,
                    {ready.record, json, ready.input, statistics, result.pairs, ready.model.map, {}});
  if (folder && result.complete) folder->commit();
  progress.reset();
  const std::string place = folder && !result.complete ? folder->partial().string() : options.out;
  fmt::print("{}", options.json ? json : challenge_tables(ready.record, ready.input, statistics, place));
}

}  // namespace

void add_challenge_command(CLI::App& application) {
  auto options = std::make_shared<ChallengeOptions>();
  CLI::App* command = application.add_subcommand(
      "challenge", "Find the foregrounds that some background fools, and the backgrounds that fool most");
  command->add_option("--data-path", options->data_path, "Root of the IN-9 release")
      ->required()
      ->type_name("DIR");
  add_model_options(*command, options->model);
  command
      ->add_option("--mode", options->mode,
                   "all: every pair; first: each foreground until it is fooled, as the published script")
      ->check(CLI::IsMember({"first", "all"}))
      ->capture_default_str();
  command
      ->add_option(
          "--order", options->order,
          "Of --mode first. adaptive: likely fooling backgrounds first; plain: as the published script")
      ->check(CLI::IsMember({"adaptive", "plain"}))
      ->capture_default_str();
  command
      ->add_option("--budget", options->budget,
                   "Answer after so many pairs, or a time like 90s, 10m, 2h, with bounds for the rest")
      ->type_name("N|TIME");
  command
      ->add_option("--shard", options->shard,
                   "Search the i-th of n equal parts of the foregrounds; `backdrop merge` puts them together")
      ->type_name("i/n");
  command->add_option("--out", options->out, "Folder for the results (default: none are kept)")
      ->type_name("DIR");
  CLI::Option* force = command->add_flag("--force", options->force, "Replace a run in --out");
  command
      ->add_flag("--resume", options->resume,
                 "Go on with the run in --out if it was stopped or killed; start it if there is none")
      ->excludes(force);
  add_device_options(*command, options->device);
  command
      ->add_option_function<std::string>(
          "--profile-window",
          [options](const std::string& text) { options->device.profile_window = parse_profile_window(text); },
          "On a GPU: call cudaProfilerStart before the FIRST-th foreground and cudaProfilerStop after "
          "COUNT of them (of several GPUs, the first one's foregrounds), for ncu --profile-from-start off "
          "and nsys --capture-range=cudaProfilerApi")
      ->type_name("FIRST:COUNT");
  command
      ->add_option("--logits", options->logits,
                   "Also write every logit, float32 [F,B,classes], for comparisons")
      ->type_name("FILE.npy");
  command->add_flag("--json", options->json, "Print run.json instead of tables");
  command->add_flag("--quiet", options->quiet, "No progress on stderr");
  command->callback([options] { run_challenge(*options); });
}

}  // namespace backdrop
