/// \file
/// From a model's classes to the nine classes of IN-9.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace backdrop {

/// `in9[c]` is the IN-9 label of model class c, or -1 for a class that belongs to none (never the right
/// answer).
struct ClassMap {
  std::vector<int> in9;
};

/// The map for a model with `classes` outputs: the identity for 9, the published map for 1000. Throws usage
/// for any other count (a map must then be given as a file).
ClassMap default_class_map(int classes);

/// Reads a JSON object {"0": -1, "1": 3, ...} in the form of the published in_to_in9.json; every class from 0
/// to `classes` - 1 must be there. Throws bad_input.
ClassMap read_class_map(const std::filesystem::path& path, int classes);

/// The same for the bytes of a file that is already in memory; `file` is the name for errors.
ClassMap parse_class_map(std::span<const std::byte> bytes, int classes, const std::string& file);

/// The labels as runs of neighbouring classes, "8*7 1*18 -1*8 ...": label 8 seven times, and so on.
std::string class_map_text(const ClassMap& map);

/// A map of `classes` classes from that text. Throws bad_input; `file` is the name for errors.
ClassMap parse_class_map_text(const std::string& text, int classes, const std::string& file);

}  // namespace backdrop
