// Lays the challenge's result out as text.
#include "cli/challenge_tables.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/progress.h"
#include "cli/text_table.h"
#include "search/estimate.h"

namespace backdrop {
namespace {

using Align = TextTable::Align;

std::string class_table(const ChallengeInput& input, const ChallengeStatistics& statistics) {
  TextTable table;
  table.add_column("Class");
  for (const char* title : {"Foregrounds", "Vulnerable", "Challenge accuracy"})
    table.add_column(title, Align::right);
  const auto add = [&table](const std::string& name, const ClassStatistics& group) {
    table.add_row({name, std::to_string(group.foregrounds), std::to_string(group.vulnerable),
                   percent(group.challenge_accuracy())});
  };
  for (std::size_t label = 0; label < input.classes.size(); ++label)
    add(class_display_name(input.classes[label]), statistics.classes[label]);
  add("all", statistics.total);
  return table.text();
}

std::string screening_text(const ScreeningReport& screening) {
  const auto share = [&](std::int64_t count) {
    return percent(static_cast<double>(count) /
                   static_cast<double>(std::max<std::int64_t>(1, screening.composites)));
  };
  std::string again = share(screening.rechecked) + " decided again in fp32";
  if (screening.second)
    again = fmt::format("{} decided again in {}, {} in fp32", share(screening.second->composites),
                        name(screening.second->precision), share(screening.rechecked));
  return fmt::format(
      "Screened in {}{}: {}; audit: {} of {} others wrong, so at most {} are ({:.0f}% confidence)\n",
      name(screening.precision), screening.sums ? fmt::format(" with sums in {}", name(*screening.sums)) : "",
      again, screening.wrong, screening.audited, percent(screening.wrong_share_bound),
      100 * screening.confidence);
}

std::string background_table(const RunRecord& record, const ChallengeInput& input,
                             const ChallengeStatistics& statistics) {
  constexpr int kListed = 3;
  TextTable table;
  table.add_column("Class");
  table.add_column("Most adversarial backgrounds");
  table.add_column("Fooled", Align::right);
  table.add_column("Into the class", Align::right);
  const auto most_adversarial = listed_backgrounds(record, input, statistics, kListed);
  for (std::size_t label = 0; label < most_adversarial.size(); ++label)
    for (const int index : most_adversarial[label]) {
      const BackgroundStatistics& background = statistics.backgrounds[static_cast<std::size_t>(index)];
      const bool first = index == most_adversarial[label].front();
      table.add_row({first ? class_display_name(input.classes[label]) : "",
                     input.background_names[static_cast<std::size_t>(index)].name,
                     percent(background.fooled_share()), percent(background.into_class_share())});
    }
  return table.text();
}

std::string work_text(const RunRecord& record, const ChallengeInput& input) {
  const std::size_t computed = record.evaluated - record.resumed;
  const double rate = record.search_seconds > 0 ? static_cast<double>(computed) / record.search_seconds : 0;
  const std::string earlier =
      record.resumed > 0 ? fmt::format(", {} of them before", grouped(record.resumed)) : "";
  return fmt::format("Evaluated {} of {} pairs{} in {} ({:.1f} composites/s)\n", grouped(record.evaluated),
                     grouped(input.foregrounds.size() * input.background_names.size()), earlier,
                     duration_text(record.search_seconds), rate);
}

std::string memory_text(const EngineRecord& engine) {
  const auto mebibytes = [](std::size_t bytes) { return (bytes + (1 << 20) - 1) >> 20; };
  std::string text = fmt::format("Memory at most {} MiB", grouped(mebibytes(engine.peak_memory_bytes)));
  const std::string limit =
      engine.cache_bytes > engine.cache_limit
          ? fmt::format("more than the limit of {} bytes: the least it takes", grouped(engine.cache_limit))
          : fmt::format("limit {} MiB", grouped(engine.cache_limit >> 20));
  if (engine.cache_limit > 0)
    text += fmt::format(", of which {} MiB for cached backgrounds ({}) and {} MiB for activations",
                        grouped(mebibytes(engine.cache_bytes)), limit,
                        grouped(mebibytes(engine.workspace_bytes - engine.cache_bytes)));
  return text + '\n';
}

std::string early_answer_text(const RunRecord& record, const ChallengeStatistics& statistics, bool is_kept) {
  const EarlyAnswer answer = early_answer(statistics, record.options.order == "adaptive");
  std::string text = fmt::format(
      "Stopped by the budget{}; of classes, the accuracy is at most what the table says.\n"
      "Challenge accuracy: at most {}, at least {}\n",
      is_kept ? " (--resume goes on)" : "", percent(answer.upper), percent(answer.lower));
  if (answer.likely_lower)
    text += fmt::format("Likely at least {} (95%), if {}.\n", percent(*answer.likely_lower),
                        kEarlyAnswerAssumption);
  return text;
}

}  // namespace

std::string challenge_tables(const RunRecord& record, const ChallengeInput& input,
                             const ChallengeStatistics& statistics, const std::string& folder) {
  const ClassStatistics& total = statistics.total;
  std::string text = class_table(input, statistics) + '\n';
  if (record.options.mode == "all" && record.complete)
    text += background_table(record, input, statistics) + '\n';
  text += work_text(record, input);
  if (record.screening) text += screening_text(*record.screening);
  if (record.engine.peak_memory_bytes > 0) text += memory_text(record.engine);
  if (!folder.empty()) text += fmt::format("Results: {}\n", folder);
  text += record.complete ? fmt::format("Challenge accuracy: {}\n", percent(total.challenge_accuracy()))
                          : early_answer_text(record, statistics, !folder.empty());
  // The published script's last line, for programs that read it.
  text += fmt::format("Summary: {}/{} ({:.2f}%) are vulnerable foregrounds.\n", total.vulnerable,
                      total.foregrounds, 100.0 * total.vulnerable / total.foregrounds);
  return text;
}

}  // namespace backdrop
