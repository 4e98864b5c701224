/// \file
/// Files and folders that are either complete on disk or absent under their name: written under a temporary
/// name, flushed to the device, renamed.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>
#include <string_view>

namespace backdrop {

/// A file open for writing at any place. Every failure throws `failed` with the system's reason.
class DurableFile {
 public:
  enum class Existing { replace, keep };

  /// Creates the file; an existing one is emptied or kept. Errors name `named`, or `path` if it is empty.
  explicit DurableFile(const std::filesystem::path& path, Existing existing = Existing::replace,
                       const std::filesystem::path& named = {});
  ~DurableFile();
  DurableFile(const DurableFile&) = delete;
  DurableFile& operator=(const DurableFile&) = delete;

  void write(std::size_t offset, std::span<const std::byte> bytes);
  /// Cuts the file off behind `bytes`.
  void truncate(std::size_t bytes);
  /// Flushes to the device.
  void sync();
  /// Flushes to the device and closes.
  void close();

  /// Behind what was appended before; not to be mixed with `write`.
  void append(std::span<const std::byte> bytes);

 private:
  std::filesystem::path named_;
  std::size_t appended_ = 0;
  int descriptor_ = -1;
};

/// Writes a whole file and flushes it to the device.
void write_durable_file(const std::filesystem::path& path, std::string_view content);

/// Replaces a file, or makes it, so that readers - and whoever comes after a crash - see the old one or the
/// new one whole: `write` fills a file beside it, which then takes its name. Where something throws, the old
/// one stays.
void replace_file(const std::filesystem::path& path, const std::function<void(DurableFile&)>& write);
void replace_file(const std::filesystem::path& path, std::string_view content);

/// Flushes a folder, so that names made, changed or removed in it survive a power cut.
void sync_folder(const std::filesystem::path& folder);

/// Renames and flushes the parent folder, so that the new name survives a power cut.
void rename_durably(const std::filesystem::path& from, const std::filesystem::path& to);

/// Throws `failed`: "PATH: ACTION: the system's reason for errno".
[[noreturn]] void throw_system_error(const char* action, const std::filesystem::path& path);

}  // namespace backdrop
