/// \file
/// Text in HTML pages. Private to report/.
#pragma once

#include <string>

namespace backdrop {

/// The text with what HTML reserves written out.
std::string escaped(const std::string& text);

}  // namespace backdrop
