// Writes progress to stderr, seldom enough not to matter.
#include "cli/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "cli/standard_streams.h"

namespace backdrop {
namespace {

bool styles_wanted() {
  const char* no_color = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  return (no_color == nullptr || *no_color == '\0') && terminal != nullptr &&
         std::strcmp(terminal, "dumb") != 0;
}

/// What fits on one line: a longer one would wrap and could not be rewritten.
std::string cut_to_terminal(std::string text) {
  winsize size{};
  const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
  const std::size_t width = known ? size.ws_col - 1u : 79u;
  if (text.size() > width) text.resize(width);
  return text;
}

}  // namespace

ProgressLine::ProgressLine(bool quiet)
    : quiet_(quiet), terminal_(isatty(STDERR_FILENO) == 1), styled_(terminal_ && styles_wanted()) {}

ProgressLine::~ProgressLine() {
  if (line_open_) print_error("\r\033[K");
}

void ProgressLine::show(double done, const std::string& text) {
  const auto pause = terminal_ ? std::chrono::milliseconds(100) : std::chrono::milliseconds(5000);
  if (quiet_ || Clock::now() - last_ < pause) return;
  const std::string share = fmt::format("{:3.0f}%", 100 * done);
  write(share + "  " + text, styled_ ? share.size() : 0);
}

void ProgressLine::announce(const std::string& text) {
  if (!quiet_) write(text);
}

void ProgressLine::write(const std::string& text, std::size_t bold) {
  last_ = Clock::now();
  line_open_ = terminal_;
  if (!terminal_) {
    print_error(text + '\n');
  } else {
    const std::string line = cut_to_terminal(text);
    bold = std::min(bold, line.size());
    print_error(fmt::format("\r\033[K{}{}{}{}", bold > 0 ? "\033[1m" : "", line.substr(0, bold),
                            bold > 0 ? "\033[0m" : "", line.substr(bold)));
  }
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
