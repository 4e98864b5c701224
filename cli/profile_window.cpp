// Two numbers with a colon between them.
#include "cli/profile_window.h"

#include <fmt/format.h>

#include <charconv>

#include "backdrop/error.h"

namespace backdrop {

ProfileWindow parse_profile_window(const std::string& text) {
  constexpr std::int64_t kMost = 1'000'000'000;
  ProfileWindow window;
  const char* const end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, window.first);
  const bool colon = first.ec == std::errc() && first.ptr != end && *first.ptr == ':';
  const auto count = std::from_chars(colon ? first.ptr + 1 : end, end, window.count);
  if (!colon || count.ec != std::errc() || count.ptr != end || window.first < 1 || window.first > kMost ||
      window.count < 1 || window.count > kMost)
    throw Error(ErrorCode::usage, fmt::format("'{}' is no window: write FIRST:COUNT, the first foreground's "
                                              "number and how many, like 20:5, for --profile-window",
                                              text));
  return window;
}

}  // namespace backdrop
