/// \file
/// The style of all pages. Private to report/.
#pragma once

namespace backdrop {

/// Every colour is a custom property, set for light, dark and print; the contrasts are checked by
/// tests/report/page_checks.py.
extern const char* const kPageStyle;

}  // namespace backdrop
