/// \file
/// Whole files as bytes, and what a file is when it is not what its name says.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace backdrop {

/// Reads a regular file of at most `limit` bytes. Throws bad_input that names the file and the reason.
std::vector<std::byte> read_file(const std::filesystem::path& path, std::size_t limit);

/// Writes a file, or replaces it; core/durable_file.h is for what must survive a crash. Throws failed.
void write_file(const std::filesystem::path& path, std::span<const std::byte> bytes);

/// What often lies where data should be, as the start of a sentence with the remedy: an empty file, a git-LFS
/// pointer or an HTML page. Empty for anything else.
std::string describe_stray_content(std::span<const std::byte> bytes);

/// Throws bad_input that names the file.
[[noreturn]] void refuse(const std::filesystem::path& file, const std::string& message);

/// A path as results name it: good from every working directory.
std::string absolute_path(const std::filesystem::path& path);

}  // namespace backdrop
