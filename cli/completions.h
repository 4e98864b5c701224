/// \file
/// Scripts that teach a shell the command line.
#pragma once

#include <string>

#include "cli/command_tree.h"

namespace backdrop {

std::string bash_completions(const CommandWords& application);
std::string zsh_completions(const CommandWords& application);
std::string fish_completions(const CommandWords& application);

}  // namespace backdrop
