// The leaderboard: the published tables for several models, their accuracy class by class, and what was run.
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "report/chart.h"
#include "report/html.h"
#include "report/published_tables.h"
#include "report/run_record.h"
#include "report/run_summary.h"

namespace backdrop {
namespace {

using Align = HtmlTable::Align;

constexpr std::size_t kMostRuns = 500;
constexpr std::size_t kLongestName = 300;

/// "resnet50 (resnet50-in9.pt)".
std::string model_name(const RunSummary& run) {
  const std::string file = std::filesystem::path(run.checkpoint).filename().string();
  const std::string arch = run.arch.empty() ? "unknown model" : run.arch;
  return (file.empty() ? arch : arch + " (" + file + ")").substr(0, kLongestName);
}

std::string or_dash(const std::optional<int>& count) {
  return count ? std::to_string(*count) : "&ndash;";
}

double or_nan(const std::optional<double>& share) {
  return share.value_or(std::numeric_limits<double>::quiet_NaN());
}

std::string challenge_table(const std::vector<RunSummary>& runs) {
  HtmlTable table("Challenge accuracy, the best first");
  table.add_column("Model");
  for (const char* title : {"Challenge accuracy", "Vulnerable", "Foregrounds", "Backgrounds"})
    table.add_column(title, Align::right);
  table.add_column("Accuracy");
  table.add_column("Remark");
  for (const RunSummary& run : runs) {
    const std::string note = remark(run, runs);
    table.add_row({isolated_name(model_name(run)), html_percent(or_nan(run.challenge_accuracy)),
                   or_dash(run.vulnerable), or_dash(run.foregrounds), or_dash(run.backgrounds),
                   meter(or_nan(run.challenge_accuracy), false),
                   note.empty() ? "" : "<strong>" + escaped(note) + "</strong>"});
  }
  return table.html();
}

/// Classes by name, in the order in which they first come.
std::vector<std::string> class_names(const std::vector<RunSummary>& runs) {
  constexpr std::size_t kMostClasses = 100;
  std::vector<std::string> names;
  for (const RunSummary& run : runs)
    for (const auto& [name, accuracy] : run.classes)
      if (names.size() < kMostClasses && std::find(names.begin(), names.end(), name) == names.end())
        names.push_back(name);
  return names;
}

std::string class_table(const std::vector<RunSummary>& runs) {
  const std::vector<std::string> names = class_names(runs);
  if (names.empty()) return {};
  HtmlTable table(
      "Challenge accuracy by class of the foreground; the stronger the colour, the more are vulnerable");
  table.add_column("Model");
  for (const std::string& name : names)
    table.add_column(class_label(name.substr(0, kLongestName)), Align::right);
  for (const RunSummary& run : runs) {
    std::vector<HtmlTable::Cell> cells = {isolated_name(model_name(run))};
    for (const std::string& name : names) {
      const auto found = std::find_if(run.classes.begin(), run.classes.end(),
                                      [&name](const auto& group) { return group.first == name; });
      const double accuracy = found == run.classes.end() ? or_nan({}) : or_nan(found->second);
      cells.emplace_back(html_percent(accuracy, 1),
                         accuracy >= 0 ? static_cast<int>(10 * (1 - accuracy) + 0.5) : 0);
    }
    table.add_row(std::move(cells));
  }
  return "<h2 id=\"classes\">By class</h2>\n<div class=\"matrix\">\n" + table.html() + "</div>\n";
}

std::string run_table(const std::vector<RunSummary>& runs) {
  HtmlTable table("Folders, checkpoints and data");
  for (const char* title : {"Model", "Folder", "Checkpoint SHA-256", "Data", "Data SHA-256"})
    table.add_column(title);
  const auto cell = [](const std::string& text) { return isolated_name(text.substr(0, kLongestName)); };
  for (const RunSummary& run : runs)
    table.add_row({cell(model_name(run)), cell(run.folder.string()), cell(run.checkpoint_sha256),
                   cell(run.data_path), cell(run.data_sha256)});
  return "<h2 id=\"runs\">The runs</h2>\n<div class=\"facts\">\n" + table.html() + "</div>\n";
}

}  // namespace

std::string comparison_page(const std::vector<RunSummary>& all) {
  const std::vector<RunSummary> runs(
      all.begin(), all.begin() + static_cast<std::ptrdiff_t>(std::min(all.size(), kMostRuns)));
  std::vector<PublishedRow> rows;
  bool comparable = true;
  for (const RunSummary& run : runs) {
    rows.push_back({model_name(run), run.challenge_accuracy, run.is_bound, run.evaluation});
    comparable = comparable && remark(run, runs).empty();
  }
  const char* warning =
      comparable
          ? ""
          : "<p><strong>Not all rows can be compared:</strong> see the remarks. Accuracies on other data, on "
            "a part of the foregrounds, or of a search that was stopped early answer other questions.</p>\n";
  return page_document(
      "Backgrounds challenge: leaderboard",
      fmt::format(
          "<header>\n<h1>Backgrounds challenge: {} models</h1>\n<p>The share of foregrounds that are "
          "classified correctly on every background.</p>\n{}"
          "<nav aria-label=\"Sections\"><ul><li><a href=\"#result\">Result</a></li>{}"
          "<li><a href=\"#runs\">The runs</a></li></ul></nav>\n</header>\n"
          "<main id=\"main\">\n<h2 id=\"result\">Result</h2>\n{}{}{}{}"
          "</main>\n<footer>Made by Backdrop. This page fetches nothing and runs no script.</footer>\n",
          runs.size(), warning, class_names(runs).empty() ? "" : "<li><a href=\"#classes\">By class</a></li>",
          challenge_table(runs), published_tables(rows), class_table(runs), run_table(runs)));
}

}  // namespace backdrop
