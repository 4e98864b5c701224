/// \file
/// Which Backdrop this is.
#pragma once

namespace backdrop {

/// "0.1.0".
const char* version_number();

/// The git revision of the source tree, with "-dirty" behind it where files differ; "unknown" outside a
/// checkout.
const char* git_revision();

}  // namespace backdrop
