// Plain C streams: fmt::print throws where it cannot write.
#include "cli/standard_streams.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>

namespace backdrop {

void print_error(std::string_view text) noexcept {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

void fill_closed_streams() noexcept {
  // open() takes the lowest free number. Without O_CLOEXEC: a program that is started has the same need.
  for (int file = 0; file <= STDERR_FILENO; ++file)
    if (::fcntl(file, F_GETFD) < 0) ::open("/dev/null", O_RDONLY);
}

}  // namespace backdrop
