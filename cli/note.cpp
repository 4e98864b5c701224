// Lines for people on stderr.
#include "cli/note.h"

#include <fmt/format.h>
#include <unistd.h>

#include <iterator>

#include "cli/standard_streams.h"

namespace backdrop {

std::string one_line(std::string_view text) {
  std::string line;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n')
      line += ' ';
    else if (byte < 0x20 || byte == 0x7f)
      fmt::format_to(std::back_inserter(line), "\\x{:02x}", byte);
    else
      line += c;
  }
  return line;
}

void print_note(std::string_view text) {
  const bool terminal = isatty(STDERR_FILENO) == 1;
  print_error(fmt::format("{}note: {}\n", terminal ? "\r\033[K" : "", one_line(text)));
}

}  // namespace backdrop
