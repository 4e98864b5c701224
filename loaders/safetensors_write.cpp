// Written to a temporary file in the same folder, flushed to the disk and renamed over the target: readers
// see the old file or the new one, never half of one.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <system_error>

#include "backdrop/error.h"
#include "loaders/checkpoint.h"
#include "loaders/checkpoint_tensor.h"

namespace backdrop {
namespace {

/// A file that is removed again unless it is put in place.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::filesystem::path& target) : target_(target) {
    static std::atomic<unsigned> counter{0};
    path_ = target;
    path_.replace_filename(fmt::format(".{}.{}.{}.tmp", target.filename().string(), getpid(), counter++));
    descriptor_ = open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor_ < 0) fail("created");
  }
  ~TemporaryFile() {
    if (descriptor_ >= 0) close(descriptor_);
    if (!in_place_) unlink(path_.c_str());
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  void write(const void* data, std::size_t size) {
    const auto* bytes = static_cast<const char*>(data);
    while (size > 0) {
      const ssize_t count = ::write(descriptor_, bytes, size);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) fail("written");
      bytes += count;
      size -= static_cast<std::size_t>(count);
    }
  }

  void put_in_place() {
    if (fsync(descriptor_) != 0) fail("written to the disk");
    if (close(std::exchange(descriptor_, -1)) != 0) fail("closed");
    if (rename(path_.c_str(), target_.c_str()) != 0) fail("put in place");
    in_place_ = true;
    const std::filesystem::path folder = target_.has_parent_path() ? target_.parent_path() : ".";
    const int directory = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) return;  // the rename is done; only its being on the disk by now is not certain
    fsync(directory);
    close(directory);
  }

 private:
  [[noreturn]] void fail(const char* what) const {
    const std::string reason = std::system_category().message(errno);
    throw Error(ErrorCode::failed, fmt::format("cannot be {}: {}", what, reason), target_.string());
  }

  std::filesystem::path target_;
  std::filesystem::path path_;
  int descriptor_ = -1;
  bool in_place_ = false;
};

/// The header with its length before it, padded with spaces so that the data starts at a multiple of eight.
std::string make_header(const std::filesystem::path& path, const StateDict& tensors,
                        const std::map<std::string, std::string>& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::uint64_t offset = 0;
  for (const auto& [name, tensor] : tensors) {
    if (name == "__metadata__" || element_count(tensor.shape) != tensor.values.size())
      throw Error(ErrorCode::failed,
                  fmt::format("cannot hold tensor \"{}\": its shape and values disagree or its "
                              "name is reserved",
                              name),
                  path.string());
    const std::uint64_t end = offset + tensor.values.size() * sizeof(float);
    header[name] = {{"dtype", "F32"}, {"shape", tensor.shape}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const nlohmann::json::exception&) {
    throw Error(ErrorCode::failed, "cannot hold a name or metadata that is not UTF-8", path.string());
  }
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const std::uint64_t length = text.size();
  return std::string(reinterpret_cast<const char*>(&length), sizeof length) + text;
}

}  // namespace

void save_safetensors(const std::filesystem::path& path, const StateDict& tensors,
                      const std::map<std::string, std::string>& metadata) {
  const std::string header = make_header(path, tensors, metadata);
  TemporaryFile file(path);
  file.write(header.data(), header.size());
  for (const auto& [name, tensor] : tensors)
    file.write(tensor.values.data(), tensor.values.size() * sizeof(float));
  file.put_in_place();
}

}  // namespace backdrop
