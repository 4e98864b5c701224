/// \file
/// How --help looks.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>

namespace backdrop {

/// CLI11's layout, but an argument that may be given with its name or without is listed once.
std::shared_ptr<CLI::Formatter> help_formatter();

}  // namespace backdrop
