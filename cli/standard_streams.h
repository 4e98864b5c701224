/// \file
/// stderr that may be broken: a terminal that was closed under nohup, a full disk behind `2>log`, `2>&-`.
/// What is said there is never worth a search.
#pragma once

#include <string_view>

namespace backdrop {

/// Writes to stderr at once; what cannot be written is dropped.
void print_error(std::string_view text) noexcept;

/// Fills those of the descriptors 0 to 2 that are closed, so that no result file becomes one of them. Writing
/// to them stays an error.
void fill_closed_streams() noexcept;

}  // namespace backdrop
