// A number of pairs or a time, told apart by the units.
#include "cli/budget.h"

#include <fmt/format.h>

#include <charconv>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

#include "backdrop/error.h"

namespace backdrop {
namespace {

constexpr std::size_t kMost = 1'000'000'000'000;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// "5000"; 0 for anything else.
std::size_t parse_pairs(std::string_view text) {
  std::size_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && stop == end ? number : 0;
}

/// Takes "1.5" off the front; nothing if there is no number.
std::optional<double> take_number(std::string_view& text) {
  double number = 0;
  if (text.empty() || !is_digit(text.front())) return std::nullopt;  // from_chars would take "inf" and "-1"
  const auto [stop, error] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc() || !is_digit(stop[-1])) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(stop - text.data()));
  return number;
}

/// Seconds of "90s", "1.5h" or "2d1h30m": each unit once, the larger first. 0 for anything else.
double parse_seconds(std::string_view text) {
  constexpr std::pair<char, double> kUnits[] = {{'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}};
  double seconds = 0;
  const auto* unit = std::begin(kUnits);
  while (!text.empty()) {
    const std::optional<double> number = take_number(text);
    while (!text.empty() && unit != std::end(kUnits) && unit->first != text.front()) ++unit;
    if (!number || text.empty() || unit == std::end(kUnits)) return 0;
    seconds += *number * unit->second;
    text.remove_prefix(1);
    ++unit;
  }
  return seconds;
}

}  // namespace

Budget parse_budget(const std::string& text) {
  Budget budget;
  budget.pairs = parse_pairs(text);
  if (budget.pairs == 0) budget.seconds = parse_seconds(text);
  const bool is_one = budget.pairs > 0 || budget.seconds > 0;
  if (!is_one || budget.pairs > kMost || budget.seconds > static_cast<double>(kMost))
    throw Error(ErrorCode::usage, fmt::format("'{}' is no budget: write a number of pairs, or a time like "
                                              "90s, 45m, 1.5h, 1h30m or 2d for --budget",
                                              text));
  return budget;
}

}  // namespace backdrop
