// The pictures, class by class. Their number has a ceiling whatever the search's size: see
// kMostClassesPictured.
#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "report/chart.h"
#include "report/html.h"
#include "report/page_sections.h"
#include "report/thumbnail.h"

namespace backdrop {
namespace {

constexpr int kBackgroundsPictured = 6;
constexpr std::size_t kForegroundsPictured = 3;  // fragile ones, and as many robust ones; two pictures each
constexpr std::size_t kMostClassesPictured = 16;

std::size_t at(int index) {
  return static_cast<std::size_t>(index);
}

/// `alt` is escaped. Nothing for a photo without pixels.
std::string picture(const Image& image, const std::string& alt) {
  if (image.pixels.empty()) return {};
  return fmt::format("<img src=\"{}\" alt=\"{}\" width=\"152\" height=\"152\">", thumbnail_address(image),
                     alt);
}

/// The label that the model predicts on a pair, in words.
std::string predicted_label(const PageContent& content, std::size_t foreground, int background) {
  const PairMatrix& pairs = content.run.pairs;
  const int prediction = pairs.predictions[pairs.index(static_cast<int>(foreground), background)];
  if (prediction < 0) return "not evaluated";
  const int label = content.run.map.in9[at(prediction)];
  return label < 0 || at(label) >= content.classes() ? content.labels.back() : content.labels[at(label)];
}

std::string background_figure(const PageContent& content, int index) {
  const auto& [name, label] = content.run.input.background_names[at(index)];
  const BackgroundStatistics& background = content.run.statistics.backgrounds[at(index)];
  const PairCounts::Counts& takes = content.counts.background_takes[at(index)];
  const int most = largest(takes);
  const std::string alt = fmt::format("Background {} of class {}", escaped(name), content.labels[at(label)]);
  const std::string mistaken =
      most < 0 ? ""
               : fmt::format("<br>{:.0f}% of those into {}",
                             100.0 * static_cast<double>(takes[at(most)]) / static_cast<double>(total(takes)),
                             content.labels[at(most)]);
  return fmt::format(
      "<li><figure class=\"shot\"><strong class=\"above\">{}</strong>{}<figcaption>{} of {} "
      "fooled{}<br>{}</figcaption></figure></li>\n",
      html_percent(background.fooled_share(), 1), picture((*content.run.input.backgrounds)[at(index)], alt),
      background.others_fooled, background.others_evaluated, mistaken, isolated_name(name));
}

std::string background_gallery(const PageContent& content, const std::vector<int>& backgrounds,
                               std::size_t label) {
  std::string html = "<h4>Most adversarial backgrounds</h4>\n";
  if (!content.is_exhaustive())
    return html +
           "<p class=\"soft\">Not every pair was tried, so backgrounds cannot be compared: run it with "
           "--mode all.</p>\n";
  if (backgrounds.empty())
    return html + "<p class=\"soft\">No background of this class fools a foreground of another.</p>\n";
  html += fmt::format(
      "<p class=\"soft\">Above each: the share of foregrounds of other classes than {} that it "
      "fools.</p>\n<ul class=\"shots\">\n",
      content.labels[label]);
  for (const int index : backgrounds) html += background_figure(content, index);
  return html + "</ul>\n";
}

/// The foreground's photo, and the foreground on the background that is worst for it.
std::string foreground_figure(const PageContent& content, std::size_t index) {
  const Foreground& foreground = content.run.input.foregrounds[index];
  const ForegroundStatistics& counts = content.run.statistics.foregrounds[index];
  const int worst = counts.worst_background;
  if (worst < 0) return {};
  const BackgroundName& background = content.run.input.background_names[at(worst)];
  const std::string taken = predicted_label(content, index, worst);
  const std::string name = escaped(foreground.name);
  const std::string composite_alt =
      fmt::format("The foreground of {} on background {} of class {}: predicted as {}", name,
                  escaped(background.name), content.labels[at(background.label)], taken);
  const Image composite = paste(foreground, (*content.run.input.backgrounds)[at(worst)]);
  const std::string margin = fmt::format("(margin {:.2f})", counts.lowest_margin);
  const std::string verdict = counts.vulnerable()
                                  ? "taken for " + taken + " on its worst background " + margin
                                  : "right even on its worst background " + margin;
  return fmt::format(
      "<li><figure class=\"shot pair\"><strong class=\"above\">{} <small>of {} backgrounds{} fool "
      "it</small></strong>"
      "<div class=\"pictures\">{}{}</div><figcaption>{}<br>{}</figcaption></figure></li>\n",
      counts.fooled, counts.evaluated, content.is_exhaustive() ? "" : " tried",
      picture(foreground.image, "The photo of foreground " + name), picture(composite, composite_alt),
      verdict, isolated_name(foreground.name));
}

/// A class's foregrounds from the most fragile on: fooled most often, then by the lowest margin.
std::vector<std::size_t> by_fragility(const PageContent& content, std::size_t label) {
  const std::vector<ForegroundStatistics>& statistics = content.run.statistics.foregrounds;
  std::vector<std::size_t> order;
  for (std::size_t f = 0; f < statistics.size(); ++f)
    if (at(content.run.input.foregrounds[f].label) == label && statistics[f].evaluated > 0)
      order.push_back(f);
  const bool comparable = content.is_exhaustive();
  const auto rank = [&](std::size_t f) {
    const ForegroundStatistics& counts = statistics[f];
    return std::tuple(comparable ? -counts.fooled : -static_cast<int>(counts.vulnerable()),
                      counts.lowest_margin, f);
  };
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return rank(a) < rank(b); });
  return order;
}

template <typename Iterator>
std::string foreground_list(const PageContent& content, const char* title, Iterator begin, Iterator end) {
  std::string html;
  for (; begin != end; ++begin) html += foreground_figure(content, *begin);
  return html.empty() ? "" : fmt::format("<h4>{}</h4>\n<ul class=\"shots\">\n{}</ul>\n", title, html);
}

std::string foreground_gallery(const PageContent& content, std::size_t label) {
  const std::vector<std::size_t> order = by_fragility(content, label);
  const auto fooled = static_cast<std::size_t>(std::count_if(order.begin(), order.end(), [&](std::size_t f) {
    return content.run.statistics.foregrounds[f].vulnerable();
  }));
  const std::size_t fragile = std::min(kForegroundsPictured, fooled);
  const std::size_t robust = std::min(kForegroundsPictured, order.size() - fragile);
  return foreground_list(content, "Most fragile foregrounds", order.begin(),
                         order.begin() + static_cast<std::ptrdiff_t>(fragile)) +
         foreground_list(content, "Most robust foregrounds", order.rbegin(),
                         order.rbegin() + static_cast<std::ptrdiff_t>(robust));
}

/// What foregrounds of other classes are taken for on this class's backgrounds.
std::string taken_for_table(const PageContent& content, std::size_t label) {
  const PairCounts::Counts& counts = content.counts.taken_for[label];
  const std::int64_t all = total(counts);
  if (all == 0) return {};
  std::vector<std::size_t> order;
  for (std::size_t other = 0; other < counts.size(); ++other)
    if (counts[other] > 0) order.push_back(other);
  std::stable_sort(order.begin(), order.end(),
                   [&counts](std::size_t a, std::size_t b) { return counts[a] > counts[b]; });
  constexpr std::size_t kListed = 5;
  order.resize(std::min(order.size(), kListed));
  HtmlTable table(fmt::format("What fooled foregrounds of other classes are taken for on backgrounds of {}",
                              class_display_name(content.run.input.classes[label])));
  table.add_column("Taken for");
  table.add_column("Composites", HtmlTable::Align::right);
  table.add_column("Share", HtmlTable::Align::right);
  table.add_column("Of all fooled");
  for (const std::size_t other : order) {
    const double share = static_cast<double>(counts[other]) / static_cast<double>(all);
    table.add_row(
        {content.labels[other], std::to_string(counts[other]), html_percent(share, 1), meter(share, true)});
  }
  return table.html();
}

}  // namespace

std::string gallery_section(const PageContent& content) {
  const auto adversarial =
      listed_backgrounds(content.run.record, content.run.input, content.run.statistics, kBackgroundsPictured);
  std::string html = "<h2 id=\"pictures\">Class by class</h2>\n";
  for (std::size_t label = 0; label < std::min(content.classes(), kMostClassesPictured); ++label)
    html += fmt::format("<section class=\"class\" id=\"class-{}\">\n<h3>{}</h3>\n{}{}{}</section>\n", label,
                        content.labels[label], background_gallery(content, adversarial[label], label),
                        taken_for_table(content, label), foreground_gallery(content, label));
  if (content.classes() > kMostClassesPictured)
    html += fmt::format("<p class=\"soft\">The first {} of {} classes are shown.</p>\n", kMostClassesPictured,
                        content.classes());
  return html;
}

}  // namespace backdrop
