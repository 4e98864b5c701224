/// \file
/// Progress on stderr: one line that is rewritten on a terminal, a plain line every few seconds elsewhere.
#pragma once

#include <cstddef>
#include <string>

#include "core/clock.h"
#include "search/runner.h"

namespace backdrop {

class ProgressLine {
 public:
  explicit ProgressLine(bool quiet);
  /// Clears the line on a terminal.
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  /// Shows the text unless the last one was shown a moment ago. `done` is the share of the work, drawn bold
  /// at the front where the terminal may be styled.
  void show(double done, const std::string& text);
  /// A sentence that is always shown: what is being done now.
  void announce(const std::string& text);

 private:
  /// The first `bold` characters are drawn so.
  void write(const std::string& text, std::size_t bold = 0);

  bool quiet_;
  bool terminal_;
  bool styled_;
  bool line_open_ = false;
  Clock::time_point last_;
};

/// "1,234 of 16,650 pairs, 45.2 composites/s, at most 5:41 left, 3 vulnerable".
std::string search_progress_text(const SearchProgress& progress);

/// "0:07", "1:23:45".
std::string duration_text(double seconds);

/// "16,650".
std::string grouped(std::size_t number);

}  // namespace backdrop
