// backdrop report: a finished run in words and as a page, or several models as a leaderboard.
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <system_error>

#include "backdrop/error.h"
#include "cli/challenge_tables.h"
#include "cli/commands.h"
#include "cli/finished_run.h"
#include "cli/note.h"
#include "cli/progress.h"
#include "cli/text_table.h"
#include "core/durable_file.h"
#include "report/run_page.h"
#include "report/run_reader.h"
#include "report/run_summary.h"
#include "search/merge.h"

namespace backdrop {
namespace {

namespace fs = std::filesystem;

struct ReportOptions {
  std::vector<std::string> runs;
  std::string out;
  std::string data_path;
  bool json = false;
};

std::string percent_or_dash(const std::optional<double>& share) {
  return share ? percent(*share) : "-";
}

/// The columns of the published tables side by side, and what to know about a row.
std::string leaderboard(const std::vector<RunSummary>& runs) {
  TextTable table;
  table.add_column("Model");
  for (const char* title :
       {"Challenge accuracy", "Clean accuracy", "Mixed-Same", "Mixed-Rand", "BG-Gap", "Vulnerable"})
    table.add_column(title, TextTable::Align::right);
  table.add_column("Run");
  table.add_column("Remark");
  for (const RunSummary& run : runs)
    table.add_row(
        {run.arch.empty() ? "-" : run.arch, percent_or_dash(run.challenge_accuracy),
         percent_or_dash(accuracy_on(run.evaluation, "original")),
         percent_or_dash(accuracy_on(run.evaluation, "mixed_same")),
         percent_or_dash(accuracy_on(run.evaluation, "mixed_rand")),
         percent_or_dash(background_gap(run.evaluation)),
         run.vulnerable && run.foregrounds ? fmt::format("{}/{}", *run.vulnerable, *run.foregrounds) : "-",
         run.folder.string(), remark(run, runs)});
  return table.text();
}

std::string class_table(const RunSummary& run) {
  if (run.classes.empty()) return {};
  TextTable table;
  table.add_column("Class");
  table.add_column("Challenge accuracy", TextTable::Align::right);
  for (const auto& [name, accuracy] : run.classes)
    table.add_row({class_display_name(name), percent_or_dash(accuracy)});
  return table.text() + '\n';
}

/// The page of a run, drawn again from its answers and its photos.
std::string draw_page(const ReportOptions& options, const RunSummary& summary) {
  const RunRecord record = read_run_record(summary.folder);
  ChallengeInput input =
      load_run_data(record, options.data_path.empty() ? summary.data_path : options.data_path);
  if (!record.options.shard.is_whole()) select_shard(input, record.options.shard);
  const ClassMap map = load_run_class_map(record);
  const PairMatrix pairs =
      read_answers(summary.folder, static_cast<int>(input.foregrounds.size()),
                   static_cast<int>(input.background_names.size()), record.model.classes);
  const ChallengeStatistics statistics = compute_statistics(pairs, input, map);
  const std::string json = read_run_json(summary.folder);
  return report_page({record, json, input, statistics, pairs, map, summary.evaluation});
}

/// Why a run has no page to draw; empty if it has.
std::string no_page(const ReportOptions& options, const RunSummary& run) {
  std::error_code ignored;
  if (!run.challenge_accuracy) return "the folder holds no challenge";
  if (!options.data_path.empty() || fs::is_directory(run.data_path, ignored)) return {};
  return fmt::format("its photos are not in '{}' (--data-path says where)", run.data_path);
}

/// The page that was asked for.
std::string asked_page(const ReportOptions& options, const std::vector<RunSummary>& runs) {
  if (runs.size() > 1) return comparison_page(runs);
  if (const std::string reason = no_page(options, runs.front()); !reason.empty())
    throw Error(ErrorCode::bad_input, "the page cannot be drawn: " + reason, runs.front().folder.string());
  return draw_page(options, runs.front());
}

/// One run's own page, drawn again where that can be done.
void redraw(const ReportOptions& options, const RunSummary& run) {
  if (!run.challenge_accuracy) return;
  if (const std::string reason = no_page(options, run); !reason.empty())
    return print_note("the page is not drawn again: " + reason);
  const fs::path path = run.folder / "report.html";
  const std::string page = draw_page(options, run);
  try {
    replace_file(path, page);
  } catch (const Error& error) {  // a run that may only be read is shown all the same
    return print_note(fmt::format("the page is not drawn again: {}", error.what()));
  }
  fmt::print("Page: {}\n", path.string());
}

void run_report(const ReportOptions& options) {
  std::vector<RunSummary> runs;
  for (const std::string& folder : options.runs) runs.push_back(read_run_summary(folder));
  sort_by_accuracy(runs);
  const bool single = runs.size() == 1;
  if (!options.out.empty()) replace_file(options.out, asked_page(options, runs));
  if (options.json) {
    fmt::print("{}", summaries_json(runs));
    return;
  }
  fmt::print("{}{}", single ? class_table(runs.front()) : "", leaderboard(runs));
  if (!options.out.empty())
    fmt::print("Page: {}\n", options.out);
  else if (single)
    redraw(options, runs.front());
}

}  // namespace

void add_report_command(CLI::App& application) {
  auto options = std::make_shared<ReportOptions>();
  CLI::App* command = application.add_subcommand(
      "report", "Show a finished run and draw its page again, or compare several models: the leaderboard");
  command->add_option("runs", options->runs, "Folders of challenge --out or eval --out")
      ->required()
      ->type_name("RUN...");
  command
      ->add_option("--out", options->out,
                   "Page to write (default: the run's own report.html; none for several runs)")
      ->type_name("FILE.html");
  command
      ->add_option("--data-path", options->data_path,
                   "Root of the data of one run, if it is no longer where the search found it")
      ->type_name("DIR");
  command->add_flag("--json", options->json,
                    "Print JSON instead of tables, and draw no page but that of --out");
  command->callback([options] { run_report(*options); });
}

}  // namespace backdrop
