// Whole files as bytes. Sizes are checked before anything is allocated, and only regular files are opened: a
// named pipe in a data folder would block for ever.
#include "loaders/file.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string_view>

#include "backdrop/error.h"

namespace backdrop {

namespace {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

/// What tells that somebody else has written to an open file.
struct FileState {
  std::size_t size = 0;
  std::int64_t seconds = 0;  // of the last write
  std::int64_t nanoseconds = 0;

  bool operator==(const FileState&) const = default;
};

FileState state_of(std::FILE* file, const std::filesystem::path& path) {
  struct stat status {};
  if (fstat(fileno(file), &status) != 0)
    throw Error(ErrorCode::bad_input, fmt::format("cannot be read: {}", std::strerror(errno)), path.string());
  return {static_cast<std::size_t>(status.st_size), status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
}

std::string lower_case_start(std::span<const std::byte> bytes, std::size_t count) {
  std::string text(reinterpret_cast<const char*>(bytes.data()), std::min(bytes.size(), count));
  text.erase(0, text.find_first_not_of(" \t\r\n\xEF\xBB\xBF"));
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

}  // namespace

std::vector<std::byte> read_file(const std::filesystem::path& path, std::size_t limit) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (status.type() == std::filesystem::file_type::not_found)
    throw Error(ErrorCode::bad_input, "no such file", path.string());
  if (error) throw Error(ErrorCode::bad_input, "cannot be read: " + error.message(), path.string());
  if (std::filesystem::is_directory(status))
    throw Error(ErrorCode::bad_input, "is a folder, not a file", path.string());
  if (!std::filesystem::is_regular_file(status))
    throw Error(ErrorCode::bad_input, "is not a regular file", path.string());

  const std::unique_ptr<std::FILE, CloseFile> file(std::fopen(path.c_str(), "rb"));
  if (!file)
    throw Error(ErrorCode::bad_input, fmt::format("cannot be read: {}", std::strerror(errno)), path.string());
  const FileState before = state_of(file.get(), path);
  if (before.size > limit)
    throw Error(
        ErrorCode::bad_input,
        fmt::format("is {} bytes long, more than the {} that such a file can need", before.size, limit),
        path.string());

  std::vector<std::byte> bytes(before.size);
  if (std::fread(bytes.data(), 1, bytes.size(), file.get()) != bytes.size() ||
      state_of(file.get(), path) != before)
    throw Error(ErrorCode::bad_input, "changed while it was read (is it still being written?)",
                path.string());
  return bytes;
}

void write_file(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  const bool written = file != nullptr && std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size();
  if (file == nullptr || std::fclose(file) != 0 || !written)
    throw Error(ErrorCode::failed, fmt::format("cannot be written: {}", std::strerror(errno)), path.string());
}

std::string describe_stray_content(std::span<const std::byte> bytes) {
  if (bytes.empty()) return "is empty: copy or download it again";
  const std::string start = lower_case_start(bytes, 512);
  if (start.starts_with("version https://git-lfs"))
    return "is a git-LFS pointer, not the data itself: fetch it with 'git lfs pull'";
  for (const std::string_view opening : {"<!doctype html", "<html", "<head", "<?xml"})
    if (start.starts_with(opening))
      return "is an HTML or XML page (often a download that asked for a confirmation): download it again";
  return {};
}

void refuse(const std::filesystem::path& file, const std::string& message) {
  throw Error(ErrorCode::bad_input, message, file.string());
}

std::string absolute_path(const std::filesystem::path& path) {
  return std::filesystem::absolute(path).lexically_normal().string();
}

}  // namespace backdrop
