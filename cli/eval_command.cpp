// backdrop eval: top-1 accuracy on the variations of IN-9.
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <system_error>

#include "backdrop/error.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/model_options.h"
#include "cli/note.h"
#include "cli/progress.h"
#include "cli/text_table.h"
#include "cli/version.h"
#include "core/durable_file.h"
#include "report/evaluation_record.h"
#include "report/run_files.h"
#include "report/run_summary.h"
#include "search/evaluation.h"

namespace backdrop {
namespace {

struct EvalOptions {
  ModelOptions model;
  DeviceOptions device;
  std::string data_path;
  std::string variations = "original";
  std::string challenge_run;
  std::string out;
  bool json = false;
  bool quiet = false;
};

std::string evaluation_table(const EvaluationRecord& record) {
  using Align = TextTable::Align;
  TextTable table;
  table.add_column("Variation");
  for (const char* title : {"Images", "Correct", "Accuracy"}) table.add_column(title, Align::right);
  for (const VariationResult& result : record.results)
    table.add_row({display_name(result.variation), std::to_string(result.images),
                   std::to_string(result.correct), percent(result.accuracy())});
  if (const auto gap = background_gap(record.results)) table.add_row({"BG-Gap", "", "", percent(*gap)});
  if (record.challenge_accuracy)
    table.add_row({"Challenge accuracy", "", "", percent(*record.challenge_accuracy)});
  return table.text();
}

/// Throws usage if the folder belongs to something else than a run or an evaluation of this checkpoint.
void check_out(const std::string& folder, const std::string& checkpoint_sha256) {
  namespace fs = std::filesystem;
  const bool has_result =
      fs::exists(fs::path(folder) / "run.json") || fs::exists(fs::path(folder) / "eval.json");
  if (has_result && read_run_summary(folder).checkpoint_sha256 != checkpoint_sha256)
    throw Error(ErrorCode::usage, "is a result of another checkpoint: choose another --out", folder);
  if (!has_result && fs::exists(folder) && !fs::is_empty(folder))
    throw Error(ErrorCode::usage, "is no folder of a run and not empty: choose another --out", folder);
}

void write_evaluation(const std::filesystem::path& folder, const std::string& json) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw Error(ErrorCode::failed, "cannot be created: " + error.message(), folder.string());
  write_durable_file(folder / "eval.json.partial", json);
  rename_durably(folder / "eval.json.partial", folder / "eval.json");
}

void run_eval(const EvalOptions& options) {
  watch_for_interrupts();
  check_device(options.device);
  std::optional<ProgressLine> progress(options.quiet);
  const std::vector<std::string> variations = select_variations(options.data_path, options.variations);
  progress->announce("reading " + options.model.checkpoint);
  const LoadedModel model = load_model(options.model);
  EvaluationRecord record;
  record.model = model.record;
  record.data_path = options.data_path;
  record.versions = program_versions();
  if (!options.out.empty()) check_out(options.out, model.record.sha256);
  if (!options.challenge_run.empty())
    record.challenge_accuracy = challenge_accuracy_of_run(options.challenge_run, model.record.sha256);
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
        evaluate_variation(*engine, model.map, options.data_path, variation, pool, hooks));
  record.engine = engine_record(*engine);
  progress.reset();
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
                   "Folder for eval.json: a run of this checkpoint, for `backdrop report`, or a new one")
      ->type_name("DIR");
  add_device_options(*command, options->device);
  command->add_flag("--json", options->json, "Print JSON instead of a table");
  command->add_flag("--quiet", options->quiet, "No progress on stderr");
  command->callback([options] { run_eval(*options); });
}

}  // namespace backdrop
