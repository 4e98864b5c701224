// Charts as inline SVG, in a fixed drawing of 560 x 250 that the page scales.
#include "report/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "report/html.h"

namespace backdrop {
namespace {

constexpr double kLeft = 52, kRight = 552, kTop = 12, kBottom = 200;

/// The smallest of 1, 2, 5, 10, 20 ... parts of ten thousand that cuts `highest` into at most four steps.
double grid_step(double highest) {
  double step = 1e-4;
  for (int i = 0; step * 4 < highest && i < 13; ++i) step *= i % 3 == 1 ? 2.5 : 2;
  return step;
}

void draw_grid(std::string& svg, double step, double top) {
  for (int i = 0; i * step < top + step / 2; ++i) {
    const double y = kBottom - (kBottom - kTop) * i * step / top;
    const int digits = step < 0.001 ? 2 : step < 0.01 ? 1 : 0;
    fmt::format_to(std::back_inserter(svg),
                   "<path class=\"{}\" d=\"M{:.0f} {:.1f}H{:.0f}\"/>"
                   "<text x=\"{:.0f}\" y=\"{:.1f}\" text-anchor=\"end\">{:.{}f}%</text>\n",
                   i == 0 ? "axis" : "grid", kLeft, y, kRight, kLeft - 6, y + 4, 100 * i * step, digits);
  }
}

void draw_columns(std::string& svg, const ColumnChart& chart, double top) {
  const double width = (kRight - kLeft) / static_cast<double>(std::max<std::size_t>(chart.columns.size(), 1));
  const double gap = std::min(2.0, width * 0.15);
  for (std::size_t i = 0; i < chart.columns.size(); ++i) {
    const ColumnChart::Column& column = chart.columns[i];
    const double x = kLeft + width * static_cast<double>(i);
    // What is there at all can be seen.
    const double height = column.share > 0 ? std::max(1.5, (kBottom - kTop) * column.share / top) : 0;
    if (height > 0)
      fmt::format_to(std::back_inserter(svg),
                     "<rect class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\"/>\n",
                     column.bad ? "bad" : "good", x + gap / 2, kBottom - height, width - gap, height);
    if (!column.tick.empty())
      fmt::format_to(std::back_inserter(svg),
                     "<text x=\"{:.1f}\" y=\"{:.0f}\" text-anchor=\"middle\">{}</text>\n",
                     chart.ticks_at_edges ? x : x + width / 2, kBottom + 16, escaped(column.tick));
  }
}

std::string table(const ColumnChart& chart) {
  HtmlTable table(chart.title);
  table.add_column(escaped(chart.first_heading));
  table.add_column(escaped(chart.count_heading), HtmlTable::Align::right);
  table.add_column("Share", HtmlTable::Align::right);
  for (const ColumnChart::Column& column : chart.columns)
    table.add_row({escaped(column.range), escaped(column.count), html_percent(column.share)});
  return "<details><summary>The same as a table</summary>\n" + table.html() + "</details>\n";
}

}  // namespace

std::string column_chart(const ColumnChart& chart) {
  double highest = 0;
  for (const ColumnChart::Column& column : chart.columns) highest = std::max(highest, column.share);
  const double step = grid_step(highest);
  const double top = step * std::max(1.0, std::ceil(highest / step - 1e-9));
  std::string svg = fmt::format(
      "<svg viewBox=\"0 0 560 250\" role=\"img\" aria-labelledby=\"{0}-title {0}-text\">\n"
      "<title id=\"{0}-title\">{1}</title>\n<desc id=\"{0}-text\">{2}</desc>\n",
      chart.id, escaped(chart.title), escaped(chart.description));
  draw_grid(svg, step, top);
  draw_columns(svg, chart, top);
  fmt::format_to(std::back_inserter(svg),
                 "<text x=\"{:.0f}\" y=\"{:.0f}\" text-anchor=\"middle\">{}</text>\n</svg>\n",
                 (kLeft + kRight) / 2, kBottom + 40, escaped(chart.x_title));
  return fmt::format(
      "<figure class=\"chart\">\n<figcaption><strong>{}</strong>{}</figcaption>\n{}{}</figure>\n",
      escaped(chart.title), escaped(chart.description), svg, table(chart));
}

std::string meter(double share, bool bad) {
  const double width = std::isfinite(share) ? 100 * std::clamp(share, 0.0, 1.0) : 0;
  return fmt::format(
      "<svg class=\"meter\" viewBox=\"0 0 100 8\" preserveAspectRatio=\"none\" aria-hidden=\"true\">"
      "<rect class=\"track\" width=\"100\" height=\"8\"/><rect class=\"{}\" width=\"{:.2f}\" "
      "height=\"8\"/></svg>",
      bad ? "bad" : "good", width);
}

}  // namespace backdrop
