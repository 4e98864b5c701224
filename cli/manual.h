/// \file
/// The manual page.
#pragma once

#include <string>

#include "cli/command_tree.h"

namespace backdrop {

/// backdrop.1 in the macros of man(7).
std::string manual_page(const CommandWords& application, const std::string& version);

}  // namespace backdrop
