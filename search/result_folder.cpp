// Writes a run beside its final name and puts it in place in one step.
#include "search/result_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <system_error>

#include "backdrop/error.h"
#include "loaders/npy.h"

namespace backdrop {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 6> kRunFiles = {"run.json",        "predictions.npy", "margins.npy",
                                                       "foregrounds.csv", "backgrounds.csv", "report.html"};
constexpr std::int16_t kNoPrediction = -1;
constexpr float kNoMargin = std::numeric_limits<float>::quiet_NaN();

/// The folder's full path without links or a trailing slash: renaming must hit the folder itself.
fs::path resolve(const fs::path& folder) {
  std::error_code error;
  fs::path path = fs::weakly_canonical(folder, error);
  if (error) throw Error(ErrorCode::failed, "cannot be resolved: " + error.message(), folder.string());
  if (!path.has_filename()) path = path.parent_path();
  if (!path.has_filename()) throw Error(ErrorCode::usage, "cannot be a result folder", folder.string());
  return path;
}

fs::path with_suffix(fs::path path, const char* suffix) {
  path += suffix;
  return path;
}

/// Throws usage if the folder holds a file that no run writes: it is not ours to remove.
void require_only_run_files(const fs::path& folder) {
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    if (std::find(kRunFiles.begin(), kRunFiles.end(), name) == kRunFiles.end())
      throw Error(ErrorCode::usage,
                  fmt::format("holds '{}', which is no file of a run: choose another --out", name),
                  folder.string());
  }
  if (error) throw Error(ErrorCode::failed, "cannot be read: " + error.message(), folder.string());
}

void require_free(const fs::path& folder, ResultFolder::IfFinished if_finished) {
  if (!fs::exists(fs::symlink_status(folder))) return;
  if (!fs::is_directory(folder)) throw Error(ErrorCode::failed, "is a file, not a folder", folder.string());
  if (fs::exists(folder / "run.json") && if_finished == ResultFolder::IfFinished::refuse)
    throw Error(ErrorCode::usage, "is a finished run: choose another --out, or --force to replace it",
                folder.string());
  require_only_run_files(folder);
}

void remove_run(const fs::path& folder) {
  std::error_code ignored;
  for (const std::string_view name : kRunFiles) fs::remove(folder / name, ignored);
  fs::remove(folder, ignored);
}

}  // namespace

/// Holds a folder against other processes for as long as it lives.
class ResultFolder::Lock {
 public:
  explicit Lock(const fs::path& folder) {
    descriptor_ = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor_ < 0) throw_system_error("cannot be opened", folder);
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0) return;
    const bool held = errno == EWOULDBLOCK;
    ::close(descriptor_);
    if (held) throw Error(ErrorCode::failed, "another process is writing this run", folder.string());
    throw_system_error("cannot be locked", folder);
  }
  ~Lock() { ::close(descriptor_); }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  int descriptor_ = -1;
};

void ResultFolder::check_free(const fs::path& folder, IfFinished if_finished) {
  require_free(resolve(folder), if_finished);
}

ResultFolder::ResultFolder(const fs::path& folder, std::size_t foregrounds, std::size_t backgrounds,
                           IfFinished if_finished)
    : folder_(resolve(folder)), partial_(with_suffix(folder_, ".partial")) {
  std::error_code error;
  require_free(folder_, if_finished);
  fs::create_directories(partial_, error);
  if (error) throw Error(ErrorCode::failed, "cannot be created: " + error.message(), partial_.string());
  lock_ = std::make_unique<Lock>(partial_);
  require_only_run_files(partial_);
  try {
    for (const std::string_view name : kRunFiles) fs::remove(partial_ / name);
    predictions_ =
        std::make_unique<MatrixFile>(partial_ / "predictions.npy", npy_type<std::int16_t>(),
                                     std::as_bytes(std::span(&kNoPrediction, 1)), foregrounds, backgrounds);
    margins_ =
        std::make_unique<MatrixFile>(partial_ / "margins.npy", npy_type<float>(),
                                     std::as_bytes(std::span(&kNoMargin, 1)), foregrounds, backgrounds);
  } catch (...) {
    remove_run(partial_);
    throw;
  }
}

ResultFolder::~ResultFolder() {
  if (lock_) remove_run(partial_);
}

void ResultFolder::store(const PairAnswers& answers) {
  predictions_->store(answers.foreground, answers.backgrounds, std::as_bytes(answers.predictions));
  margins_->store(answers.foreground, answers.backgrounds, std::as_bytes(answers.margins));
}

void ResultFolder::write(std::string_view name, std::string_view content) {
  write_durable_file(partial_ / name, content);
}

void ResultFolder::commit() {
  predictions_->close();
  margins_->close();
  const fs::path replaced = with_suffix(folder_, ".replaced");
  remove_run(replaced);
  if (fs::exists(folder_)) rename_durably(folder_, replaced);
  rename_durably(partial_, folder_);
  lock_.reset();
  remove_run(replaced);
}

}  // namespace backdrop
