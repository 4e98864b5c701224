// Rows in the form of the published README, to one decimal as there.
#include "report/published_tables.h"

#include <fmt/format.h>

#include <algorithm>

#include "loaders/dataset.h"
#include "report/html.h"

namespace backdrop {
namespace {

/// A table as plain text, from which both forms are made.
struct Table {
  std::string caption;
  std::vector<std::string> titles;
  std::vector<std::vector<std::string>> rows;
};

std::string percent_or(const std::optional<double>& share, const char* missing) {
  return share ? fmt::format("{:.1f}%", 100 * *share) : missing;
}

Table challenge_table(const std::vector<PublishedRow>& rows) {
  Table table{"Backgrounds Challenge", {"Model", "Challenge Accuracy", "Clean Accuracy (on IN-9)"}, {}};
  for (const PublishedRow& row : rows)
    table.rows.push_back({row.model,
                          (row.is_bound ? "at most " : "") + percent_or(row.challenge_accuracy, "-"),
                          percent_or(accuracy_on(row.evaluation, "original"), "-")});
  return table;
}

/// The published columns, then those of the other variations that a row has.
Table variation_table(const std::vector<PublishedRow>& rows) {
  const std::vector<std::string> published = {"original", "mixed_same", "mixed_rand"};
  std::vector<std::string> others;
  for (const std::string& variation : in9_variations()) {
    const bool shown = std::find(published.begin(), published.end(), variation) != published.end();
    const auto has = [&variation](const PublishedRow& row) {
      return accuracy_on(row.evaluation, variation).has_value();
    };
    if (!shown && std::any_of(rows.begin(), rows.end(), has)) others.push_back(variation);
  }
  Table table{"Test accuracy on ImageNet-9", {"Model"}, {}};
  for (const std::string& variation : published) table.titles.push_back(display_name(variation));
  table.titles.emplace_back("BG-Gap");
  for (const std::string& variation : others) table.titles.push_back(display_name(variation));
  for (const PublishedRow& row : rows) {
    std::vector<std::string> cells = {row.model};
    for (const std::string& variation : published)
      cells.push_back(percent_or(accuracy_on(row.evaluation, variation), "-"));
    cells.push_back(percent_or(background_gap(row.evaluation), "-"));
    for (const std::string& variation : others)
      cells.push_back(percent_or(accuracy_on(row.evaluation, variation), "-"));
    table.rows.push_back(std::move(cells));
  }
  return table;
}

std::string html(const Table& table) {
  HtmlTable rows(table.caption);
  for (std::size_t i = 0; i < table.titles.size(); ++i)
    rows.add_column(table.titles[i], i == 0 ? HtmlTable::Align::left : HtmlTable::Align::right);
  for (const auto& row : table.rows) {
    std::vector<HtmlTable::Cell> cells = {isolated_name(row.front())};
    for (std::size_t i = 1; i < row.size(); ++i) cells.emplace_back(row[i] == "-" ? "&ndash;" : row[i]);
    rows.add_row(std::move(cells));
  }
  return rows.html();
}

/// A cell may not end itself or its row.
std::string markdown_cell(const std::string& text) {
  std::string cell;
  for (const char c : text) {
    if (c == '|' || c == '\\') cell += '\\';
    cell += c == '\n' || c == '\r' ? ' ' : c;
  }
  return cell;
}

std::string markdown(const Table& table) {
  std::string text;
  const auto add_line = [&text](const std::vector<std::string>& cells) {
    for (const std::string& cell : cells) text += "| " + markdown_cell(cell) + " ";
    text += "|\n";
  };
  add_line(table.titles);
  add_line(std::vector<std::string>(table.titles.size(), "---"));
  for (const auto& row : table.rows) add_line(row);
  return text;
}

/// `escaped` replaces line ends, which are wanted here.
std::string escaped_lines(const std::string& text) {
  std::string result;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    result += escaped(std::string_view(text).substr(begin, end - begin)) + "\n";
    begin = end + 1;
  }
  return result;
}

}  // namespace

std::string published_tables(const std::vector<PublishedRow>& rows) {
  std::vector<Table> tables = {challenge_table(rows)};
  if (std::any_of(rows.begin(), rows.end(), [](const PublishedRow& row) { return !row.evaluation.empty(); }))
    tables.push_back(variation_table(rows));
  std::string text, source;
  for (const Table& table : tables) {
    text += html(table);
    source += (source.empty() ? "" : "\n") + markdown(table);
  }
  return text + "<details><summary>As Markdown</summary>\n<pre tabindex=\"0\">" + escaped_lines(source) +
         "</pre></details>\n";
}

}  // namespace backdrop
