// How clear the decisions are: histograms of margins, and of how many backgrounds fool a foreground.
#include <fmt/format.h>

#include <array>
#include <cmath>

#include "report/chart.h"
#include "report/html.h"
#include "report/page_sections.h"

namespace backdrop {
namespace {

std::string edge_text(const Histogram& bins, std::size_t i) {
  const double edge = bins.edge(i);
  return fmt::format("{:.6g}", std::abs(edge) < bins.step / 2 ? 0.0 : edge);
}

/// Labels every so many edges, always the one at zero.
void add_ticks(ColumnChart& chart, const Histogram& bins) {
  const std::size_t every = std::max<std::size_t>(1, (bins.counts.size() + 7) / 8);
  for (std::size_t i = 0; i < bins.counts.size(); ++i) {
    const std::int64_t edge = bins.first + static_cast<std::int64_t>(i);
    if (edge % static_cast<std::int64_t>(every) == 0) chart.columns[i].tick = edge_text(bins, i);
  }
}

std::string margin_chart(ColumnChart chart, std::span<const float> margins) {
  const std::optional<Histogram> bins = histogram(margins);
  if (!bins) return {};
  std::int64_t all = 0, negative = 0;
  for (const std::int64_t count : bins->counts) all += count;
  for (std::size_t i = 0; i < bins->counts.size(); ++i) {
    const std::int64_t count = bins->counts[i];
    const bool bad = bins->first + static_cast<std::int64_t>(i) < 0;
    if (bad) negative += count;
    chart.columns.push_back({.range = edge_text(*bins, i) + " to " + edge_text(*bins, i + 1),
                             .share = static_cast<double>(count) / static_cast<double>(all),
                             .count = std::to_string(count),
                             .bad = bad,
                             .tick = ""});
  }
  add_ticks(chart, *bins);
  chart.ticks_at_edges = true;
  chart.x_title = "fooled  \xE2\x86\x90  margin  \xE2\x86\x92  right";
  chart.first_heading = "Margin";
  chart.description += fmt::format(" {:.2f}% are below zero.",
                                   100.0 * static_cast<double>(negative) / static_cast<double>(all));
  return column_chart(chart);
}

/// In how many foregrounds what share of the backgrounds fools.
std::string fooling_chart(const PageContent& content) {
  constexpr std::array<double, 8> kUpTo = {0, .01, .02, .05, .1, .2, .5, 1};
  const auto& foregrounds = content.run.statistics.foregrounds;
  std::array<int, kUpTo.size()> counts{};
  for (const ForegroundStatistics& foreground : foregrounds) {
    const double share =
        foreground.evaluated > 0 ? static_cast<double>(foreground.fooled) / foreground.evaluated : 0;
    std::size_t bin = 0;
    while (bin + 1 < kUpTo.size() && share > kUpTo[bin]) ++bin;
    ++counts[bin];
  }
  ColumnChart chart;
  chart.id = "fooling";
  chart.title = "How many backgrounds fool a foreground";
  chart.description =
      fmt::format("{} of {} foregrounds are fooled by none; {} by more than half of the backgrounds.",
                  counts.front(), foregrounds.size(), counts.back());
  chart.x_title = "share of the backgrounds that fool the foreground";
  chart.first_heading = "Share of backgrounds";
  chart.count_heading = "Foregrounds";
  for (std::size_t i = 0; i < kUpTo.size(); ++i) {
    const std::string range =
        i == 0 ? "none" : fmt::format("{:g} to {:g}%", 100 * kUpTo[i - 1], 100 * kUpTo[i]);
    chart.columns.push_back({.range = range,
                             .share = foregrounds.empty() ? 0
                                                          : static_cast<double>(counts[i]) /
                                                                static_cast<double>(foregrounds.size()),
                             .count = std::to_string(counts[i]),
                             .bad = i > 0,
                             .tick = i == 0 ? "none" : fmt::format("\xE2\x89\xA4{:g}%", 100 * kUpTo[i])});
  }
  return column_chart(chart);
}

}  // namespace

std::string margin_section(const PageContent& content) {
  std::vector<float> lowest;
  for (const ForegroundStatistics& foreground : content.run.statistics.foregrounds)
    lowest.push_back(foreground.lowest_margin);
  ColumnChart of_foregrounds{.id = "lowest",
                             .title = "Lowest margin of each foreground",
                             .description = "On the background that is worst for it.",
                             .x_title = "",
                             .first_heading = "",
                             .count_heading = "Foregrounds",
                             .columns = {}};
  ColumnChart of_pairs = of_foregrounds;
  of_pairs.id = "margins";
  of_pairs.title = "Margins of all composites";
  of_pairs.description = "Of those that were evaluated.";
  of_pairs.count_heading = "Composites";
  const std::string charts = margin_chart(std::move(of_foregrounds), lowest) +
                             margin_chart(std::move(of_pairs), content.run.pairs.margins) +
                             (content.is_exhaustive() ? fooling_chart(content) : "");
  return "<h2 id=\"margins-section\">Margins</h2>\n<p class=\"soft\">The margin of a composite is the best "
         "logit of the right answer minus the best wrong one: below zero it is fooled, and a small one could "
         "go either way.</p>\n<div class=\"charts\">\n" +
         charts + "</div>\n";
}

}  // namespace backdrop
