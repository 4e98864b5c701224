// report.html: one static page with the result, the classes, the most adversarial backgrounds and how it came
// to be. Times are in run.json alone, so that the page of a resumed run is that of an undisturbed one.
#include <fmt/format.h>

#include <cctype>
#include <cmath>

#include "report/html_text.h"
#include "report/run_record.h"
#include "report/thumbnail.h"
#include "search/estimate.h"

namespace backdrop {
namespace {

constexpr const char* kStyle = R"(
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #667079; --line: #dde1e6; --paper: #fff; --bar: #c8503c; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e7eaee; --soft: #98a2ad; --line: #333a42; --paper: #14181d; --bar: #e0705c; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 60rem; margin: 2.5rem auto; padding: 0 1.25rem; }
h1 { font-size: 1.25rem; font-weight: 600; margin: 0; }
h2 { font-size: 1.1rem; margin: 2.5rem 0 .75rem; }
.headline { font-size: 3.5rem; font-weight: 650; line-height: 1.1; margin: .5rem 0 0; }
.soft, caption, figcaption { color: var(--soft); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-weight: 600; } .number { text-align: right; } td.wrap { overflow-wrap: anywhere; }
.bar { display: block; height: .5rem; margin-top: .5rem; background: var(--bar); border-radius: 2px; }
.row { display: flex; flex-wrap: wrap; gap: .75rem; margin: 0 0 1.25rem; }
figure { margin: 0; width: 112px; font-size: .8rem; line-height: 1.3; overflow-wrap: anywhere; }
figure img { display: block; width: 112px; height: 112px; border-radius: 4px; margin-bottom: .25rem; }
h3 { font-size: 1rem; margin: 0 0 .4rem; }
)";

std::string percent(double share, int digits = 2) {
  return std::isnan(share) ? "&ndash;" : fmt::format("{:.{}f}%", 100 * share, digits);
}

std::string early_answer_paragraph(const RunRecord& record, const ChallengeStatistics& statistics) {
  const EarlyAnswer answer = early_answer(statistics, record.options.order == "adaptive");
  std::string html = fmt::format(
      "<p><strong>The search was stopped early.</strong> The challenge accuracy is at most {} and at least "
      "{}.",
      percent(answer.upper), percent(answer.lower));
  if (answer.likely_lower)
    html += fmt::format(" It is at least {} with 95% confidence, if {}.", percent(*answer.likely_lower),
                        kEarlyAnswerAssumption);
  return html + "</p>\n";
}

std::string headline(const RunRecord& record, const ChallengeInput& input,
                     const ChallengeStatistics& statistics) {
  const ClassStatistics& total = statistics.total;
  return fmt::format(
      "<h1>{} on the backgrounds challenge</h1>\n<p class=\"headline\">{}</p>\n"
      "<p>challenge accuracy: {} of {} foregrounds are classified correctly on every one of {} backgrounds, "
      "{} are "
      "vulnerable.</p>\n",
      escaped(record.model.arch), percent(total.challenge_accuracy()), total.foregrounds - total.vulnerable,
      total.foregrounds, input.background_names.size(), total.vulnerable,
      record.complete ? "" : early_answer_paragraph(record, statistics));
}

std::string class_table(const ChallengeInput& input, const ChallengeStatistics& statistics) {
  std::string html =
      "<h2>By class</h2>\n<table>\n<tr><th>Class</th><th class=\"number\">Foregrounds</th>"
      "<th class=\"number\">Vulnerable</th><th class=\"number\">Challenge accuracy</th><th>Vulnerable "
      "share</th></tr>\n";
  for (std::size_t label = 0; label < input.classes.size(); ++label) {
    const ClassStatistics& group = statistics.classes[label];
    const double accuracy = group.challenge_accuracy();
    html += fmt::format(
        "<tr><td>{}</td><td class=\"number\">{}</td><td class=\"number\">{}</td><td class=\"number\">{}</td>"
        "<td style=\"width:30%\"><span class=\"bar\" style=\"width:{:.1f}%\"></span></td></tr>\n",
        escaped(class_display_name(input.classes[label])), group.foregrounds, group.vulnerable,
        percent(accuracy), std::isnan(accuracy) ? 0 : 100 * (1 - accuracy));
  }
  return html + "</table>\n";
}

std::string background_figure(const ChallengeInput& input, const ChallengeStatistics& statistics, int index) {
  const auto& [name, label] = input.background_names[static_cast<std::size_t>(index)];
  const BackgroundStatistics& background = statistics.backgrounds[static_cast<std::size_t>(index)];
  return fmt::format(
      "<figure><img src=\"{}\" alt=\"{}\"><strong>{}</strong> fooled<br>{} into {}"
      "<figcaption>{}</figcaption></figure>\n",
      thumbnail_address((*input.backgrounds)[static_cast<std::size_t>(index)]), escaped(name),
      percent(background.fooled_share(), 1), percent(background.into_class_share(), 1),
      escaped(class_display_name(input.classes[static_cast<std::size_t>(label)])), escaped(name));
}

std::string background_gallery(const RunRecord& record, const ChallengeInput& input,
                               const ChallengeStatistics& statistics) {
  std::string html = "<h2>Most adversarial backgrounds</h2>\n";
  if (record.options.mode != "all" || !record.complete)
    return html +
           "<p class=\"soft\">The search did not try every pair, so the "
           "backgrounds cannot be compared. Run it with --mode all.</p>\n";
  html +=
      "<p class=\"soft\">Share of the other classes' foregrounds that are misclassified on the background, "
      "and "
      "the share misclassified as the background's own class.</p>\n";
  const auto most_adversarial = listed_backgrounds(record, input, statistics);
  for (std::size_t label = 0; label < most_adversarial.size(); ++label) {
    if (most_adversarial[label].empty()) continue;
    html +=
        fmt::format("<h3>{}</h3>\n<div class=\"row\">\n", escaped(class_display_name(input.classes[label])));
    for (const int index : most_adversarial[label]) html += background_figure(input, statistics, index);
    html += "</div>\n";
  }
  return html;
}

std::string run_table(const RunRecord& record, const ChallengeInput& input) {
  std::string html = "<h2>The run</h2>\n<table>\n";
  const auto row = [&html](const std::string& name, const std::string& value) {
    html += fmt::format("<tr><th>{}</th><td class=\"wrap\">{}</td></tr>\n", name, escaped(value));
  };
  row("Checkpoint", record.model.file);
  row("SHA-256", record.model.sha256);
  row("Model", fmt::format("{}, {} classes, {:.2f} M parameters, {:.2f} GMACs", record.model.arch,
                           record.model.classes, static_cast<double>(record.model.parameters) / 1e6,
                           static_cast<double>(record.model.macs) / 1e9));
  row("Data", record.data_path);
  row("Data SHA-256", record.data_sha256);
  row("Mode", record.options.mode);
  row("Order", record.options.order);
  if (!record.options.shard.is_whole()) row("Shard", record.options.shard.text());
  row("Pairs", fmt::format("{} evaluated of {}", record.evaluated,
                           input.foregrounds.size() * input.background_names.size()));
  row("Engine", record.engine.description);
  for (const auto& [name, version] : record.versions) row(escaped(name), version);
  return html + "</table>\n";
}

}  // namespace

std::string class_display_name(const std::string& folder) {
  std::size_t begin = 0;
  while (begin < folder.size() && std::isdigit(static_cast<unsigned char>(folder[begin]))) ++begin;
  const bool numbered = begin > 0 && begin + 1 < folder.size() && folder[begin] == '_';
  return numbered ? folder.substr(begin + 1) : folder;
}

std::string report_page(const RunRecord& record, const ChallengeInput& input,
                        const ChallengeStatistics& statistics) {
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<title>{} on the backgrounds "
      "challenge</title>\n<style>{}</style>\n</head>\n<body>\n{}{}{}{}</body>\n</html>\n",
      escaped(record.model.arch), kStyle, headline(record, input, statistics), class_table(input, statistics),
      background_gallery(record, input, statistics), run_table(record, input));
}

}  // namespace backdrop
