// Writes progress to stderr, seldom enough not to matter.
#include "cli/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace backdrop {
namespace {

using Clock = std::chrono::steady_clock;

bool styles_wanted() {
  const char* no_color = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  return (no_color == nullptr || *no_color == '\0') && terminal != nullptr &&
         std::strcmp(terminal, "dumb") != 0;
}

}  // namespace

ProgressLine::ProgressLine(bool quiet)
    : quiet_(quiet), terminal_(isatty(STDERR_FILENO) == 1), styled_(terminal_ && styles_wanted()) {}

ProgressLine::~ProgressLine() {
  if (line_open_) fmt::print(stderr, "\r\033[K");
}

void ProgressLine::show(double done, const std::string& text) {
  const auto pause = terminal_ ? std::chrono::milliseconds(100) : std::chrono::milliseconds(5000);
  if (quiet_ || Clock::now() - last_ < pause) return;
  const std::string share = fmt::format("{:3.0f}%", 100 * done);
  write(fmt::format("{}{}{}  {}", styled_ ? "\033[1m" : "", share, styled_ ? "\033[0m" : "", text));
}

void ProgressLine::announce(const std::string& text) {
  if (!quiet_) write(text);
}

void ProgressLine::write(const std::string& text) {
  last_ = Clock::now();
  line_open_ = terminal_;
  fmt::print(stderr, "{}{}{}", terminal_ ? "\r\033[K" : "", text, terminal_ ? "" : "\n");
  std::fflush(stderr);
}

std::string search_progress_text(const SearchProgress& progress) {
  const double rate = progress.seconds > 0
                          ? static_cast<double>(progress.evaluated - progress.resumed) / progress.seconds
                          : 0;
  const double left = rate > 0 ? static_cast<double>(progress.total - progress.settled) / rate : 0;
  // Pairs may be settled without being evaluated, so the time left is a bound where some already were.
  const char* bound = progress.settled > progress.evaluated ? "at most " : "";
  return fmt::format("{} of {} pairs, {:.1f} composites/s, {}{} left, {} vulnerable",
                     grouped(progress.settled), grouped(progress.total), rate, bound, duration_text(left),
                     progress.vulnerable);
}

std::string duration_text(double seconds) {
  const auto whole = static_cast<long long>(seconds + 0.5);
  if (whole < 3600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

std::string grouped(std::size_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t i = digits.size(); i > 3; i -= 3)
    digits.insert(digits.begin() + static_cast<std::ptrdiff_t>(i - 3), ',');
  return digits;
}

}  // namespace backdrop
