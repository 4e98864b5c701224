/// \file
/// What the command says on stderr beside progress: one line each, whatever names from files hold.
#pragma once

#include <string>
#include <string_view>

namespace backdrop {

/// Text on one line: control characters, which a terminal would obey, as "\x1b"; a line break as a blank.
std::string one_line(std::string_view text);

/// "note: TEXT" on stderr, over a line of progress that may be open there.
void print_note(std::string_view text);

}  // namespace backdrop
