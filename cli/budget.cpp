// A number of pairs or a time, told apart by the unit.
#include "cli/budget.h"

#include <fmt/format.h>

#include <charconv>
#include <string_view>

#include "backdrop/error.h"

namespace backdrop {

Budget parse_budget(const std::string& text) {
  Budget budget;
  if (text.empty()) return budget;
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(end, text.data() + text.size());
  constexpr std::size_t kMost = 1'000'000'000'000;
  const bool known = unit.empty() || unit == "s" || unit == "m" || unit == "h";
  if (error != std::errc() || number == 0 || number > kMost || !known)
    throw Error(ErrorCode::usage, fmt::format("'{}' is no budget: write a number of pairs or a time like "
                                              "90s, 10m or 2h for --budget",
                                              text));
  if (unit.empty())
    budget.pairs = number;
  else
    budget.seconds = static_cast<double>(number) * (unit == "h" ? 3600 : unit == "m" ? 60 : 1);
  return budget;
}

}  // namespace backdrop
