/// \file
/// The files of a data folder by their SHA-256, in the text form of coreutils' sha256sum, so that `sha256sum
/// -c` checks it too: "<64 hex digits>  <path below the folder>", sorted by path.
///
/// Names that start with a dot are passed over, as the loaders do. Links are followed.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/parallel.h"

namespace backdrop {

/// The manifest of a folder. Throws bad_input if a file cannot be read or changes while it is read, and for
/// links that lead round in a circle.
std::string make_manifest(const std::filesystem::path& root, ThreadPool& pool);

/// What a folder holds that its manifest does not say, a line each: "missing: PATH", "changed: PATH", "not
/// listed: PATH". Throws bad_input for a text that is no manifest; `file` is its name.
std::vector<std::string> compare_manifests(const std::string& expected, const std::string& found,
                                           const std::string& file);

/// How the class directories differ between variations and the numbers of photos from the release's 450 a
/// class, and what is not read at all, a line each; empty if there is nothing to say.
std::vector<std::string> release_differences(const std::filesystem::path& root);

}  // namespace backdrop
