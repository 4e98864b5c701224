/// \file
/// A word of the command line that nothing is called by, and what may have been meant.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace backdrop {

/// The first word of a failed parse that is no subcommand or no option, as one line with the most similar
/// name; empty if there is none. CLI11 speaks of what such a word leaves missing.
std::string misspelt_word(const CLI::App& application);

/// "--out" for "--out=" or an argument of no characters behind it, mostly a variable of the shell that is not
/// set; the argument's place if it is behind no option. Nothing if no argument is empty.
std::string name_of_empty_argument(int argc, const char* const* argv);

}  // namespace backdrop
