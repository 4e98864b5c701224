// POSIX calls behind files that survive a crash.
#include "core/durable_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <random>
#include <string>
#include <system_error>

#include "backdrop/error.h"

namespace backdrop {
void throw_system_error(const char* action, const std::filesystem::path& path) {
  const std::string reason = std::generic_category().message(errno);
  throw Error(ErrorCode::failed, std::string(action) + ": " + reason, path.string());
}

DurableFile::DurableFile(const std::filesystem::path& path, Existing existing,
                         const std::filesystem::path& named)
    : named_(named.empty() ? path : named) {
  const int emptied = existing == Existing::replace ? O_TRUNC : 0;
  descriptor_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | emptied, 0666);
  if (descriptor_ < 0) throw_system_error("cannot be created", named_);
}

DurableFile::~DurableFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void DurableFile::write(std::size_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw_system_error("cannot be written", named_);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    offset += static_cast<std::size_t>(written);
  }
}

void DurableFile::append(std::span<const std::byte> bytes) {
  write(appended_, bytes);
  appended_ += bytes.size();
}

void DurableFile::truncate(std::size_t bytes) {
  if (::ftruncate(descriptor_, static_cast<off_t>(bytes)) != 0)
    throw_system_error("cannot be shortened", named_);
}

void DurableFile::sync() {
  if (::fsync(descriptor_) != 0) throw_system_error("cannot be flushed to the device", named_);
}

void DurableFile::close() {
  sync();
  const int descriptor = descriptor_;
  descriptor_ = -1;
  if (::close(descriptor) != 0) throw_system_error("cannot be closed", named_);
}

void write_durable_file(const std::filesystem::path& path, std::string_view content) {
  DurableFile file(path);
  file.write(0, std::as_bytes(std::span(content)));
  file.close();
}

void replace_file(const std::filesystem::path& path, const std::function<void(DurableFile&)>& write) {
  std::random_device random;  // the name is another one in every process and machine that shares the folder
  const std::string some_of_it = path.filename().string().substr(0, 200);  // 255 bytes are the most of a name
  const std::filesystem::path draft =
      path.parent_path() / ('.' + some_of_it + '.' + std::to_string(random()) + ".partial");
  try {
    DurableFile file(draft, DurableFile::Existing::replace, path);
    write(file);
    file.close();
    rename_durably(draft, path);
  } catch (...) {
    std::error_code ignored;
    std::filesystem::remove(draft, ignored);
    throw;
  }
}

void replace_file(const std::filesystem::path& path, std::string_view content) {
  replace_file(path, [&](DurableFile& file) { file.append(std::as_bytes(std::span(content))); });
}

void sync_folder(const std::filesystem::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) throw_system_error("cannot be opened", folder);
  // Some network file systems have no flush of a folder; its files are flushed all the same.
  const bool flushed = ::fsync(descriptor) == 0 || errno == EINVAL;
  ::close(descriptor);
  if (!flushed) throw_system_error("cannot be flushed to the device", folder);
}

void rename_durably(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) throw_system_error("cannot be put in place", to);
  sync_folder(to.has_parent_path() ? to.parent_path() : ".");
}

}  // namespace backdrop
