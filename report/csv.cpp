// The two tables of a run, as RFC 4180 writes them.
#include <fmt/format.h>

#include <cmath>
#include <iterator>

#include "report/run_record.h"
#include "report/utf8.h"

namespace backdrop {
namespace {

/// A name as a field. A table of bytes that are not UTF-8 could not be read at all.
std::string quoted(const std::string& name) {
  const std::string text = utf8_text(name);
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"') result += '"';
    result += c;
  }
  return result + '"';
}

/// Empty for NaN, which is how pandas reads it back.
std::string number(double value) {
  return std::isnan(value) ? "" : fmt::format("{:.6g}", value);
}
std::string index_or_empty(int index) {
  return index < 0 ? "" : std::to_string(index);
}

}  // namespace

std::string foregrounds_csv(const ChallengeInput& input, const ChallengeStatistics& statistics) {
  std::string csv =
      "index,name,class,label,vulnerable,evaluated,fooled,first_fooling_background,worst_background,lowest_"
      "margin\n";
  for (std::size_t f = 0; f < input.foregrounds.size(); ++f) {
    const Foreground& foreground = input.foregrounds[f];
    const ForegroundStatistics& counts = statistics.foregrounds[f];
    fmt::format_to(std::back_inserter(csv), "{},{},{},{},{},{},{},{},{},{}\n", f, quoted(foreground.name),
                   quoted(input.classes[static_cast<std::size_t>(foreground.label)]), foreground.label,
                   counts.vulnerable() ? 1 : 0, counts.evaluated, counts.fooled,
                   index_or_empty(counts.first_fooling), index_or_empty(counts.worst_background),
                   number(counts.lowest_margin));
  }
  return csv;
}

std::string backgrounds_csv(const ChallengeInput& input, const ChallengeStatistics& statistics) {
  std::string csv =
      "index,name,class,label,evaluated,fooled,others_evaluated,others_fooled,others_fooled_into_class,"
      "fooled_share,fooled_into_class_share\n";
  for (std::size_t b = 0; b < input.background_names.size(); ++b) {
    const auto& [name, label] = input.background_names[b];
    const BackgroundStatistics& counts = statistics.backgrounds[b];
    fmt::format_to(std::back_inserter(csv), "{},{},{},{},{},{},{},{},{},{},{}\n", b, quoted(name),
                   quoted(input.classes[static_cast<std::size_t>(label)]), label, counts.evaluated,
                   counts.fooled, counts.others_evaluated, counts.others_fooled, counts.others_into_class,
                   number(counts.fooled_share()), number(counts.into_class_share()));
  }
  return csv;
}

}  // namespace backdrop
