/// \file
/// How much work a search may do before it has to answer.
#pragma once

#include <cstddef>
#include <string>

namespace backdrop {

/// At most one limit; none by default.
struct Budget {
  std::size_t pairs = 0;  ///< evaluated in all sessions of the run together, in whole blocks; 0: no limit
  double seconds = 0;     ///< since this command began; 0: no limit

  bool is_spent(std::size_t evaluated, double elapsed) const {
    return (pairs > 0 && evaluated >= pairs) || (seconds > 0 && elapsed >= seconds);
  }
};

/// "5000" pairs, or a time: "90s", "45m", "1.5h", "2d", "1h30m". Throws usage.
Budget parse_budget(const std::string& text);

}  // namespace backdrop
