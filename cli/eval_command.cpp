// backdrop eval: top-1 accuracy on the variations of IN-9.
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <system_error>
#include <vector>

#include "backdrop/error.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/model_options.h"
#include "cli/note.h"
#include "cli/progress.h"
#include "cli/text_table.h"
#include "cli/version.h"
#include "core/durable_file.h"
#include "loaders/file.h"
#include "report/evaluation_record.h"
#include "report/run_files.h"
#include "report/run_summary.h"
#include "report/utf8.h"
#include "search/evaluation.h"
#include "search/inputs.h"
#include "search/result_folder.h"

namespace backdrop {
namespace {

struct EvalOptions {
  ModelOptions model;
  DeviceOptions device;
  std::string data_path;
  std::string variations = "original";
  std::string challenge_run;
  std::string out;
  bool force = false;
  bool json = false;
  bool quiet = false;
};

std::string evaluation_table(const EvaluationRecord& record) {
  TextTable table;
  table.add_column("Variation");
  for (const char* title : {"Images", "Correct", "Accuracy"})
    table.add_column(title, TextTable::Align::right);
  for (const VariationResult& result : record.results)
    table.add_row({display_name(result.variation), std::to_string(result.images),
                   std::to_string(result.correct), percent(result.accuracy())});
  if (const auto gap = background_gap(record.results)) table.add_row({"BG-Gap", "", "", percent(*gap)});
  if (record.challenge_accuracy)
    table.add_row({"Challenge accuracy", "", "", percent(*record.challenge_accuracy)});
  return table.text();
}

/// What --out holds already: an evaluation to add to, or a run. Throws usage if the folder belongs to
/// something else than a run or an evaluation of this checkpoint, or to an evaluation of other data.
RunSummary read_out(const EvalOptions& options, const std::string& checkpoint_sha256) {
  namespace fs = std::filesystem;
  const fs::path folder = absolute_path(options.out);
  if (ResultFolder::is_partial(folder))
    throw Error(ErrorCode::usage, "is the folder of an unfinished run: finish it with challenge --resume",
                options.out);
  // It could not take the name of a folder with an evaluation.
  if (ResultFolder::is_unfinished(folder))
    throw Error(ErrorCode::usage,
                "is an unfinished run: finish it first with challenge --resume, or choose another --out",
                options.out);
  const bool has_run = fs::exists(folder / "run.json");
  const bool has_result = has_run || fs::exists(folder / "eval.json");
  if (!has_result && fs::exists(folder) && !fs::is_empty(folder))
    throw Error(ErrorCode::usage, "is no folder of a run and not empty: choose another --out", options.out);
  if (!has_result || (options.force && !has_run)) return {};
  RunSummary summary = read_run_summary(folder);
  if (summary.checkpoint_sha256 != checkpoint_sha256)
    throw Error(ErrorCode::usage, "is a result of another checkpoint: choose another --out", options.out);
  if (options.force) summary.evaluation.clear();
  const bool other_data = has_run ? summary.evaluation_data_sha256 != summary.data_sha256
                                  : summary.evaluation_path != utf8_text(absolute_path(options.data_path));
  if (!summary.evaluation.empty() && other_data)
    throw Error(ErrorCode::usage,
                fmt::format("holds an evaluation of other data ({}): choose another --out, or --force to "
                            "replace it",
                            summary.evaluation_path),
                options.out);
  return summary;
}

/// The SHA-256 of the data that `runs` were searched on, empty if there are none. Throws usage if these are
/// not the data of --data-path, or if the runs' composites were normalised in another way.
std::string check_runs(const std::vector<RunSummary>& runs, const std::string& data_path) {
  std::string sha256;
  for (const RunSummary& run : runs) {
    if (run.own_normalization)
      throw Error(ErrorCode::usage,
                  "was searched with a mean and deviation that a program gave for the checkpoint's: an "
                  "evaluation beside it would be of something else",
                  run.folder.string());
    if (run.data_sha256.empty()) continue;
    if (sha256.empty()) {
      ThreadPool pool;
      sha256 = manifest_sha256(load_challenge_input(data_path, pool), pool);
    }
    if (sha256 != run.data_sha256)
      throw Error(ErrorCode::usage,
                  fmt::format("was searched on other data than '{}': an evaluation beside it would be of "
                              "something else",
                              data_path),
                  run.folder.string());
  }
  return sha256;
}

/// Throws bad_input if a variation that was evaluated again has other photos than before: the other
/// variations are of the earlier data.
void check_unchanged(const RunSummary& earlier, const EvaluationRecord& record) {
  for (const VariationResult& result : record.results) {
    const VariationResult* before = find_result(earlier.evaluation, result.variation);
    if (before != nullptr && !before->sha256.empty() && before->sha256 != result.sha256)
      throw Error(ErrorCode::bad_input,
                  fmt::format("holds an evaluation from before the photos of {} changed: --force replaces it",
                              result.variation),
                  earlier.folder.string());
  }
}

void write_evaluation(const std::filesystem::path& folder, const std::string& json) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw Error(ErrorCode::failed, "cannot be created: " + error.message(), folder.string());
  replace_file(folder / "eval.json", json);
}

void run_eval(const EvalOptions& options) {
  watch_for_interrupts();
  check_device(options.device);
  std::optional<ProgressLine> progress(options.quiet);
  const std::vector<std::string> variations = select_variations(options.data_path, options.variations);
  progress->announce("reading " + options.model.checkpoint);
  const LoadedModel model = load_model(options.model);
  if (!options.quiet) note_normalization(options.model, model.record);
  EvaluationRecord record;
  record.model = model.record;
  record.data_path = absolute_path(options.data_path);
  record.versions = program_versions();
  std::vector<RunSummary> runs;
  RunSummary earlier;
  if (!options.out.empty()) runs.push_back(earlier = read_out(options, model.record.sha256));
  record.challenge_accuracy = earlier.noted_accuracy;
  if (!options.challenge_run.empty()) {
    record.challenge_accuracy = challenge_accuracy_of_run(options.challenge_run, model.record.sha256);
    runs.push_back(read_run_summary(options.challenge_run));
  }
  record.data_sha256 = check_runs(runs, options.data_path);
  const std::unique_ptr<Engine> engine = make_engine(model, options.device);
  ThreadPool pool(options.device.threads);
  EvaluationHooks hooks;
  hooks.stop = interrupted;
  hooks.note = print_note;
  hooks.progress = [&progress](const std::string& variation, std::size_t done, std::size_t total) {
    progress->show(
        static_cast<double>(done) / static_cast<double>(total),
        fmt::format("{}: {} of {} images", display_name(variation), grouped(done), grouped(total)));
  };
  for (const std::string& variation : variations)
    record.results.push_back(
        evaluate_variation(*engine, model.class_map.map, options.data_path, variation, pool, hooks));
  record.engine = engine_record(*engine);
  progress.reset();
  check_unchanged(earlier, record);
  record.results = merge_results(earlier.evaluation, record.results);
  const std::string json = evaluation_json(record);
  if (!options.out.empty()) write_evaluation(options.out, json);
  fmt::print("{}", options.json ? json : evaluation_table(record));
}

}  // namespace

void add_eval_command(CLI::App& application) {
  auto options = std::make_shared<EvalOptions>();
  CLI::App* command =
      application.add_subcommand("eval", "Accuracy on the variations of IN-9, and the BG-Gap");
  command->add_option("--data-path", options->data_path, "Root of the IN-9 release")
      ->required()
      ->type_name("DIR");
  add_model_options(*command, options->model);
  command
      ->add_option("--eval-dataset", options->variations,
                   "Variations, separated by commas, or all that are there")
      ->type_name("NAMES")
      ->capture_default_str();
  command
      ->add_option("--challenge", options->challenge_run, "Add the challenge accuracy of this finished run")
      ->type_name("DIR");
  command
      ->add_option("--out", options->out,
                   "Folder for eval.json: a run of this checkpoint and data, for `backdrop report`, or a new "
                   "one; variations are added to those evaluated there before")
      ->type_name("DIR");
  command->add_flag("--force", options->force, "Replace the evaluation in --out");
  add_device_options(*command, options->device);
  command->remove_option(command->get_option("--precision"));
  command
      ->add_option("--precision", options->device.precision,
                   "Photos without a pasted foreground are classified in fp32 alone")
      ->check(CLI::IsMember({"fp32"}))
      ->capture_default_str();
  command->add_flag("--json", options->json, "Print JSON instead of a table");
  command->add_flag("--quiet", options->quiet, "No progress on stderr");
  command->callback([options] { run_eval(*options); });
}

}  // namespace backdrop
