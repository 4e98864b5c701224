#include "loaders/checkpoint_bytes.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

namespace backdrop {

static_assert(std::endian::native == std::endian::little, "ByteCursor reads little-endian numbers in place");

void refuse(const std::string& message) {
  throw Error(ErrorCode::bad_input, message);
}

std::string printable(std::string_view text) {
  constexpr std::size_t kLongest = 80;
  std::string line;
  for (const char c : text.substr(0, kLongest)) line += c >= ' ' && c <= '~' ? c : '?';
  if (text.size() > kLongest) line += "...";
  return line;
}

std::string_view ByteCursor::line(std::size_t longest) {
  const std::string_view rest = as_text(bytes_.subspan(position_, std::min(left(), longest + 1)));
  const std::size_t length = rest.find('\n');
  if (length == std::string_view::npos) {
    if (rest.size() <= longest) ends_early();
    refuse(fmt::format("{} has a line of more than {} characters", what_, longest));
  }
  position_ += length + 1;
  return rest.substr(0, length);
}

void ByteCursor::ends_early() const {
  refuse(fmt::format("{} ends too early (after {} bytes): the file is truncated or damaged", what_,
                     bytes_.size()));
}

}  // namespace backdrop
