// Walks a data folder and hashes what it finds.
#include "search/manifest.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>
#include <system_error>
#include <utility>

#include "backdrop/error.h"
#include "core/hash.h"
#include "loaders/dataset.h"

namespace backdrop {
namespace {

namespace fs = std::filesystem;

/// What identifies a file's content to the system: it changes with every write.
struct FileState {
  dev_t device;
  ino_t inode;
  off_t size;
  timespec changed;

  bool operator==(const FileState& other) const {
    return device == other.device && inode == other.inode && size == other.size &&
           changed.tv_sec == other.changed.tv_sec && changed.tv_nsec == other.changed.tv_nsec;
  }
};

FileState state_of(const fs::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0)
    throw Error(ErrorCode::bad_input, "cannot be read: " + std::generic_category().message(errno),
                path.string());
  return {status.st_dev, status.st_ino, status.st_size, status.st_mtim};
}

using FolderIds = std::set<std::pair<dev_t, ino_t>>;

/// Appends the files below `folder`; `above` are the folders on the way to it, to notice circles of links.
void collect_files(const fs::path& folder, FolderIds above, std::vector<fs::path>& files) {
  const FileState state = state_of(folder);
  if (!above.insert({state.device, state.inode}).second)
    throw Error(ErrorCode::bad_input, "leads back to a folder that it lies in: links go round in a circle",
                folder.string());
  std::error_code error;
  for (fs::directory_iterator entries(folder, error), end; !error && entries != end;
       entries.increment(error)) {
    const fs::path& path = entries->path();
    if (path.filename().string().starts_with('.')) continue;
    std::error_code cannot_follow;
    const fs::file_status status = fs::status(path, cannot_follow);
    if (cannot_follow)
      throw Error(ErrorCode::bad_input, "cannot be followed: " + cannot_follow.message(), path.string());
    if (fs::is_directory(status)) collect_files(path, above, files);
    if (fs::is_regular_file(status)) files.push_back(path);
  }
  if (error)
    throw Error(ErrorCode::bad_input, "cannot be read as a folder: " + error.message(), folder.string());
}

std::string hash_unchanging(const fs::path& path) {
  const FileState before = state_of(path);
  std::string hash = sha256_of_file(path);
  if (!(state_of(path) == before))
    throw Error(ErrorCode::bad_input, "changed while it was read: start again when nothing writes to it",
                path.string());
  return hash;
}

/// A line as sha256sum writes it: names with a backslash or a line break are escaped, and the line says so
/// with a backslash in front.
std::string manifest_line(const std::string& hash, const std::string& path) {
  std::string escaped;
  for (const char c : path) {
    if (c == '\\') escaped += "\\\\";
    if (c == '\n') escaped += "\\n";
    if (c == '\r') escaped += "\\r";
    if (c != '\\' && c != '\n' && c != '\r') escaped += c;
  }
  return fmt::format("{}{}  {}\n", escaped == path ? "" : "\\", hash, escaped);
}

/// Hashes by path; paths stay escaped.
std::map<std::string, std::string> parse_manifest(const std::string& text, const std::string& file) {
  std::map<std::string, std::string> hashes;
  std::istringstream stream(text);
  std::string line;
  for (int number = 1; std::getline(stream, line); ++number) {
    const std::size_t start = line.starts_with('\\') ? 1 : 0;
    const std::string hash = line.substr(start, kHashDigits);
    const bool whole = line.size() > start + kHashDigits + 2 &&
                       hash.find_first_not_of("0123456789abcdef") == std::string::npos &&
                       line[start + kHashDigits] == ' ' &&
                       (line[start + kHashDigits + 1] == ' ' || line[start + kHashDigits + 1] == '*');
    if (!whole)
      throw Error(ErrorCode::bad_input,
                  fmt::format("line {} is not '<sha256>  <path>' as sha256sum writes it", number), file);
    std::string path = line.substr(start + kHashDigits + 2);
    if (path.starts_with("./")) path.erase(0, 2);
    hashes[path] = hash;
  }
  if (hashes.empty()) throw Error(ErrorCode::bad_input, "is an empty manifest", file);
  return hashes;
}

/// "has 10 photos a class, the release 450"; empty if the counts are the release's.
std::string count_difference(const std::vector<Sample>& samples) {
  constexpr int kPhotosPerClass = 450;
  std::vector<int> photos(kIn9Classes);
  for (const Sample& sample : samples) ++photos[static_cast<std::size_t>(sample.label)];
  const auto [fewest, most] = std::minmax_element(photos.begin(), photos.end());
  if (*fewest == kPhotosPerClass && *most == kPhotosPerClass) return {};
  const std::string range =
      *fewest == *most ? std::to_string(*fewest) : fmt::format("{} to {}", *fewest, *most);
  return fmt::format("has {} photos a class, the release {}", range, kPhotosPerClass);
}

}  // namespace

std::string make_manifest(const fs::path& root, ThreadPool& pool) {
  std::vector<fs::path> files;
  collect_files(root, {}, files);
  std::vector<std::pair<std::string, std::string>> entries(files.size());
  pool.run(files.size(), [&](std::size_t i, int) {
    entries[i] = {files[i].lexically_relative(root).string(), hash_unchanging(files[i])};
  });
  std::sort(entries.begin(), entries.end());
  std::string text;
  for (const auto& [path, hash] : entries) text += manifest_line(hash, path);
  return text;
}

std::vector<std::string> compare_manifests(const std::string& expected, const std::string& found,
                                           const std::string& file) {
  const auto wanted = parse_manifest(expected, file);
  const auto present = parse_manifest(found, file);
  std::vector<std::string> differences;
  for (const auto& [path, hash] : wanted) {
    const auto entry = present.find(path);
    if (entry == present.end())
      differences.push_back("missing: " + path);
    else if (entry->second != hash)
      differences.push_back("changed: " + path);
  }
  for (const auto& [path, hash] : present)
    if (!wanted.contains(path)) differences.push_back("not listed: " + path);
  return differences;
}

std::vector<std::string> release_differences(const fs::path& root) {
  std::vector<std::string> differences;
  try {
    check_class_names(root);
  } catch (const Error& error) {
    differences.push_back(error.what());
  }
  for (const std::string& variation : in9_variations()) {
    try {
      const std::string difference = count_difference(list_samples(root, variation, &differences));
      if (!difference.empty()) differences.push_back(fmt::format("{} {}", variation, difference));
    } catch (const Error& error) {
      differences.push_back(error.what());
    }
  }
  return differences;
}

}  // namespace backdrop
