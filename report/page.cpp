// report.html: the frame, the headline and the published tables; the other sections have files of their own.
#include <fmt/format.h>

#include "report/chart.h"
#include "report/html.h"
#include "report/page_sections.h"
#include "report/published_tables.h"
#include "search/estimate.h"

namespace backdrop {
namespace {

std::string early_answer_paragraph(const RunPage& run) {
  const EarlyAnswer answer = early_answer(run.statistics, run.record.options.order == "adaptive");
  std::string html = fmt::format(
      "<p><strong>The search was stopped early.</strong> The challenge accuracy is at most {} and at least "
      "{}.",
      html_percent(answer.upper), html_percent(answer.lower));
  if (answer.likely_lower)
    html += fmt::format(" It is at least {} with 95% confidence, if {}.", html_percent(*answer.likely_lower),
                        kEarlyAnswerAssumption);
  return html + "</p>\n";
}

std::string card(const std::string& title, const std::string& figure, const std::string& note) {
  return fmt::format("<div><dt>{}</dt><dd>{}<span>{}</span></dd></div>\n", title, figure, note);
}

std::string cards(const RunPage& run) {
  const ClassStatistics& total = run.statistics.total;
  std::string html = card(run.record.complete ? "Challenge accuracy" : "Challenge accuracy, at most",
                          html_percent(total.challenge_accuracy()), "right on every background");
  html += card("Vulnerable foregrounds", std::to_string(total.vulnerable),
               fmt::format("of {}", total.foregrounds));
  if (const auto clean = accuracy_on(run.evaluation, "original"))
    html += card("Clean accuracy", html_percent(*clean), "on the original photos");
  if (const auto gap = background_gap(run.evaluation))
    html += card("BG-Gap", html_percent(*gap), "Mixed-Same minus Mixed-Rand");
  html +=
      card("Composites", html_count(run.statistics.evaluated),
           fmt::format("of {} &times; {}", run.input.foregrounds.size(), run.input.background_names.size()));
  return "<dl class=\"cards\">\n" + html + "</dl>\n";
}

std::string header(const RunPage& run) {
  const ClassStatistics& total = run.statistics.total;
  const double accuracy = total.challenge_accuracy();
  return fmt::format(
      "<header>\n<h1>{} on the backgrounds challenge</h1>\n"
      "<p>Every foreground is pasted onto every background. {} of {} foregrounds are classified correctly on "
      "every one of {} backgrounds; {} are <strong>vulnerable</strong>: at least one background makes the "
      "model predict another class.</p>\n{}{}"
      "<nav aria-label=\"Sections\"><ul><li><a href=\"#result\">Result</a></li>"
      "<li><a href=\"#classes\">By class</a></li><li><a href=\"#confusion\">What is taken for what</a></li>"
      "<li><a href=\"#margins-section\">Margins</a></li><li><a href=\"#pictures\">Pictures</a></li>"
      "<li><a href=\"#run\">The run</a></li></ul></nav>\n</header>\n",
      escaped(run.record.model.arch), total.foregrounds - total.vulnerable, total.foregrounds,
      run.input.background_names.size(), total.vulnerable,
      run.record.complete ? "" : early_answer_paragraph(run), cards(run) + meter(accuracy, false));
}

std::string result_section(const RunPage& run) {
  const std::string shard =
      run.record.options.shard.is_whole()
          ? ""
          : fmt::format("<p><strong>This is shard {} only</strong>: a part of the foregrounds.</p>\n",
                        run.record.options.shard.text());
  const char* missing =
      run.evaluation.empty()
          ? "<p class=\"soft\">The accuracy on the variations of IN-9 is not known to this page.</p>\n"
          : "<p class=\"soft\">The BG-Gap, the difference between Mixed-Same and Mixed-Rand, says how much "
            "the model leans on backgrounds that fit the foreground.</p>\n";
  return "<h2 id=\"result\">Result</h2>\n" + shard +
         published_tables({{run.record.model.arch, run.statistics.total.challenge_accuracy(),
                            !run.record.complete, run.evaluation}}) +
         missing;
}

}  // namespace

std::string report_page(const RunPage& run) {
  PageContent content{run,
                      count_pairs(run.pairs, run.input.foreground_labels(), run.input.background_labels(),
                                  run.map, static_cast<int>(run.input.classes.size())),
                      {}};
  for (const std::string& name : run.input.classes) content.labels.push_back(class_label(name));
  content.labels.emplace_back("none of the classes");
  const std::string main = result_section(run) + class_section(content) + confusion_section(content) +
                           margin_section(content) + gallery_section(content) + facts_section(run.run_json);
  return page_document(
      run.record.model.arch + " on the backgrounds challenge",
      header(run) + "<main id=\"main\">\n" + main +
          "</main>\n<footer>Made by Backdrop. This page fetches nothing and runs no script.</footer>\n");
}

}  // namespace backdrop
