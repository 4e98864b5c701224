/// \file
/// Says what a file is that is no checkpoint: people pass web pages, git-LFS pointers and other frameworks'
/// models.
#pragma once

#include "loaders/checkpoint_bytes.h"

namespace backdrop {

/// Throws bad_input that names the format, by its first bytes, and what to do.
[[noreturn]] void refuse_unknown_format(Bytes file);

}  // namespace backdrop
