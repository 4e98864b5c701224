/// \file
/// Files and folders that are either complete on disk or absent under their name: written under a temporary
/// name, flushed to the device, renamed.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

namespace backdrop {

/// A file open for writing at any place. Every failure throws `failed` with the system's reason.
class DurableFile {
 public:
  /// Creates the file, or empties it.
  explicit DurableFile(const std::filesystem::path& path);
  ~DurableFile();
  DurableFile(const DurableFile&) = delete;
  DurableFile& operator=(const DurableFile&) = delete;

  void write(std::size_t offset, std::span<const std::byte> bytes);
  /// Flushes to the device and closes.
  void close();

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
};

/// Writes a whole file and flushes it to the device.
void write_durable_file(const std::filesystem::path& path, std::string_view content);

/// Renames and flushes the parent folder, so that the new name survives a power cut.
void rename_durably(const std::filesystem::path& from, const std::filesystem::path& to);

/// Throws `failed`: "PATH: ACTION: the system's reason for errno".
[[noreturn]] void throw_system_error(const char* action, const std::filesystem::path& path);

}  // namespace backdrop
