// Tables of classes: the result, what foregrounds are taken for, and on whose backgrounds.
#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "report/chart.h"
#include "report/html.h"
#include "report/page_sections.h"

namespace backdrop {
namespace {

using Align = HtmlTable::Align;
using Counts = PairCounts::Counts;

constexpr double kNotKnown = std::numeric_limits<double>::quiet_NaN();

double share(std::int64_t part, std::int64_t whole) {
  return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : kNotKnown;
}

/// "bird (61.2%)", of the wrong predictions.
std::string mostly_taken_for(const PageContent& content, std::size_t label) {
  Counts wrong = content.counts.predicted[label];
  wrong[label] = 0;
  const int most = largest(wrong);
  if (most < 0) return "&ndash;";
  const auto index = static_cast<std::size_t>(most);
  return fmt::format("{} ({})", content.labels[index], html_percent(share(wrong[index], total(wrong)), 1));
}

/// The class whose backgrounds fool the largest share.
std::string most_dangerous_backgrounds(const PageContent& content, std::size_t label) {
  double highest = 0;
  std::string name = "&ndash;";
  for (std::size_t other = 0; other < content.classes(); ++other) {
    const double fooled = share(content.counts.fooled[label][other], content.counts.met[label][other]);
    if (!(fooled > highest)) continue;
    highest = fooled;
    name = fmt::format("{} ({})", content.labels[other], html_percent(fooled, 1));
  }
  return name;
}

/// A matrix of shares; the cell on the diagonal is set apart if `own_apart`, the others are shaded by their
/// share.
std::string matrix(const std::string& caption, const std::string& corner,
                   const std::vector<std::string>& rows, const std::vector<std::string>& columns,
                   const std::vector<std::vector<double>>& shares, bool own_apart) {
  double highest = 0.2;  // where little is confused, nothing is dark
  for (std::size_t row = 0; row < rows.size(); ++row)
    for (std::size_t column = 0; column < columns.size(); ++column)
      if (!(own_apart && row == column) && shares[row][column] > highest) highest = shares[row][column];
  HtmlTable table(caption);
  table.add_column(corner);
  for (const std::string& column : columns) table.add_column(column, Align::right);
  for (std::size_t row = 0; row < rows.size(); ++row) {
    std::vector<HtmlTable::Cell> cells = {rows[row]};
    for (std::size_t column = 0; column < columns.size(); ++column) {
      const double value = shares[row][column];
      const bool own = own_apart && row == column;
      const int heat = value > 0 ? static_cast<int>(std::ceil(10 * std::sqrt(value / highest))) : 0;
      cells.emplace_back(html_percent(value, 1), own ? -1 : std::min(heat, 10));
    }
    table.add_row(std::move(cells));
  }
  return "<div class=\"matrix\">\n" + table.html() + "</div>\n";
}

}  // namespace

std::string class_section(const PageContent& content) {
  HtmlTable table("Challenge accuracy by class of the foreground");
  table.add_column("Class");
  for (const char* title : {"Foregrounds", "Vulnerable", "Challenge accuracy"})
    table.add_column(title, Align::right);
  for (const char* title : {"Share vulnerable", "Fooled most by backgrounds of", "Then mostly taken for"})
    table.add_column(title);
  for (std::size_t label = 0; label < content.classes(); ++label) {
    const ClassStatistics& group = content.run.statistics.classes[label];
    const double accuracy = group.challenge_accuracy();
    table.add_row({content.labels[label], std::to_string(group.foregrounds), std::to_string(group.vulnerable),
                   html_percent(accuracy), meter(1 - accuracy, true),
                   most_dangerous_backgrounds(content, label), mostly_taken_for(content, label)});
  }
  return "<h2 id=\"classes\">By class</h2>\n<p class=\"soft\">In brackets: the share of composites on "
         "backgrounds of that class that are fooled, and the share of the fooled composites that are taken "
         "for that class.</p>\n" +
         table.html();
}

std::string confusion_section(const PageContent& content) {
  const PairCounts& counts = content.counts;
  std::vector<std::string> rows(content.labels.begin(), content.labels.end() - 1);
  std::vector<std::string> predicted = rows;
  std::int64_t none = 0;
  for (const Counts& row : counts.predicted) none += row.back();
  if (none > 0) predicted.push_back(content.labels.back());
  std::vector<std::vector<double>> confusion, danger;
  for (std::size_t label = 0; label < content.classes(); ++label) {
    std::vector<double>& row = confusion.emplace_back();
    for (const std::int64_t count : counts.predicted[label])
      row.push_back(share(count, total(counts.predicted[label])));
    std::vector<double>& fooled = danger.emplace_back();
    for (std::size_t other = 0; other < content.classes(); ++other)
      fooled.push_back(share(counts.fooled[label][other], counts.met[label][other]));
  }
  const char* note = content.is_exhaustive()
                         ? ""
                         : " Only the pairs that were tried count, and they are not a fair sample: the "
                           "search stops at a foreground's first fooling background.";
  return fmt::format(
      "<h2 id=\"confusion\">What is taken for what</h2>\n<p class=\"soft\">Shares of all composites of a "
      "class's foregrounds, by the class predicted and by the class of the background.{}</p>\n{}{}",
      note,
      matrix("Confusion: class of the foreground (rows), class predicted (columns)", "Foreground", rows,
             predicted, confusion, true),
      matrix("Share fooled: class of the foreground (rows), class of the background (columns)", "Foreground",
             rows, rows, danger, false));
}

}  // namespace backdrop
