/// \file
/// What makes two runs the same run: names and values of all inputs and options that bear on the answers.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace backdrop {

/// In a fixed order: {"checkpoint sha256", "..."}, {"mode", "first"}, ... Values are of one line.
using RunIdentity = std::vector<std::pair<std::string, std::string>>;

/// The value of that name, if there is one.
std::optional<std::string> identity_value(const RunIdentity& run, std::string_view name);

/// The first difference in words, "its mode is first, not all"; empty if there is none.
std::string identity_difference(const RunIdentity& run, const RunIdentity& asked);

}  // namespace backdrop
