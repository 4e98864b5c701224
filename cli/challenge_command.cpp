// backdrop challenge: the search for fooling backgrounds, its result folder and its tables.
#include <fmt/format.h>

#include <chrono>
#include <ctime>
#include <memory>
#include <optional>

#include "cli/challenge_tables.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/model_options.h"
#include "cli/progress.h"
#include "cli/version.h"
#include "report/run_record.h"
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
  std::string out;
  std::string logits;
  bool force = false;
  bool json = false;
  bool quiet = false;

  ResultFolder::IfFinished if_finished() const {
    return force ? ResultFolder::IfFinished::replace : ResultFolder::IfFinished::refuse;
  }
};

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  const std::size_t length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {text, length};
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
  check_device(options.device);
  if (!options.out.empty()) ResultFolder::check_free(options.out, options.if_finished());
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
  check_input(ready.input, ready.model.network->input);
  ready.engine = make_engine(ready.model, options.device);
  prepare_engine(*ready.engine, ready.input);
  std::vector<const Mask*> masks;
  for (const Foreground& foreground : ready.input.foregrounds) masks.push_back(&foreground.mask);
  ready.engine->prepare(masks);
  ready.record.model = ready.model.record;
  ready.record.data_path = options.data_path;
  ready.record.options = {.mode = options.mode,
                          .reuse = is_on(options.device.reuse),
                          .cache_memory = static_cast<std::size_t>(options.device.cache_memory),
                          .allow_partial = options.model.allow_partial,
                          .class_map = ready.model.class_map_name,
                          .class_map_sha256 = ready.model.class_map_sha256};
  ready.record.versions = program_versions();
  ready.record.load_seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return ready;
}

SearchResult search(Preparation& ready, const std::vector<PairSink*>& sinks, ProgressLine& progress) {
  const PlanShape shape = plan_shape(*ready.engine, ready.input);
  const auto plan = ready.record.options.mode == "all" ? plan_all_pairs(shape) : plan_first_fooling(shape);
  SearchHooks hooks;
  hooks.sinks = sinks;
  hooks.stop = interrupted;
  hooks.progress = [&progress](const SearchProgress& state) {
    progress.show(static_cast<double>(state.settled) / static_cast<double>(state.total),
                  search_progress_text(state));
  };
  return run_search(*ready.engine, ready.input, ready.model.map, *plan, hooks);
}

void write_results(ResultFolder& folder, const std::string& json, const Preparation& ready,
                   const ChallengeStatistics& statistics) {
  folder.write("foregrounds.csv", foregrounds_csv(ready.input, statistics));
  folder.write("backgrounds.csv", backgrounds_csv(ready.input, statistics));
  folder.write("report.html", report_page(ready.record, ready.input, statistics));
  folder.write("run.json", json);
  folder.commit();
}

void run_challenge(const ChallengeOptions& options) {
  watch_for_interrupts();
  std::optional<ProgressLine> progress(options.quiet);
  Preparation ready = prepare(options, *progress);
  const std::size_t foregrounds = ready.input.foregrounds.size();
  const std::size_t backgrounds = ready.input.background_names.size();
  std::optional<ResultFolder> folder;
  std::optional<LogitsFile> logits;
  std::vector<PairSink*> sinks;
  if (!options.out.empty())
    sinks.push_back(&folder.emplace(options.out, foregrounds, backgrounds, options.if_finished()));
  if (!options.logits.empty())
    sinks.push_back(&logits.emplace(options.logits, foregrounds, backgrounds,
                                    static_cast<std::size_t>(ready.engine->classes())));
  const SearchResult result = search(ready, sinks, *progress);
  ready.record.engine = engine_record(*ready.engine);
  ready.record.search_seconds = result.seconds;
  ready.record.evaluated = result.evaluated;
  ready.record.recorded = result.recorded;
  const ChallengeStatistics statistics =
      compute_statistics(result.pairs, ready.input.foreground_labels(), ready.input.background_labels(),
                         ready.model.map, static_cast<int>(ready.input.classes.size()));
  const std::string json = run_json(ready.record, ready.input, statistics);
  if (logits) logits->commit();
  if (folder) write_results(*folder, json, ready, statistics);
  progress.reset();
  fmt::print("{}",
             options.json ? json : challenge_tables(ready.record, ready.input, statistics, options.out));
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
  command->add_option("--out", options->out, "Folder for the results (default: none are kept)")
      ->type_name("DIR");
  command->add_flag("--force", options->force, "Replace a finished run in --out");
  add_device_options(*command, options->device);
  command
      ->add_option("--logits", options->logits,
                   "Also write every logit, float32 [F,B,classes], for comparisons")
      ->type_name("FILE.npy");
  command->add_flag("--json", options->json, "Print run.json instead of tables");
  command->add_flag("--quiet", options->quiet, "No progress on stderr");
  command->callback([options] { run_challenge(*options); });
}

}  // namespace backdrop
