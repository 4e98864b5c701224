// Writes a run beside its final name and puts it in place in one step.
#include "search/result_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <system_error>

#include "backdrop/error.h"
#include "loaders/npy.h"

namespace backdrop {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPartial = ".partial";
constexpr const char* kReplaced = ".replaced";
constexpr std::string_view kJournal = "journal";
constexpr std::string_view kEvaluation = "eval.json";  // of `eval --out`
constexpr std::array<std::string_view, 9> kRunFiles = {"run.json",        "predictions.npy", "margins.npy",
                                                       "foregrounds.csv", "backgrounds.csv", "report.html",
                                                       kEvaluation,       kJournal,          "journal.new"};

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

/// A link that leads nowhere is there, too.
bool is_there(const fs::path& path) {
  std::error_code error;
  const fs::file_type type = fs::symlink_status(path, error).type();
  if (type == fs::file_type::none)
    throw Error(ErrorCode::failed, "cannot be looked at: " + error.message(), path.string());
  return type != fs::file_type::not_found;
}

/// If it is there.
void remove_file(const fs::path& path) {
  std::error_code error;
  fs::remove(path, error);
  if (error) throw Error(ErrorCode::failed, "cannot be removed: " + error.message(), path.string());
}

/// Throws usage if the folder holds a file that no run writes: it is not ours to remove.
void require_only_run_files(const fs::path& folder) {
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    if (std::find(kRunFiles.begin(), kRunFiles.end(), name) == kRunFiles.end())
      throw Error(ErrorCode::usage,
                  fmt::format("holds '{}', which is no file of a run: choose another folder (--out)", name),
                  folder.string());
  }
  if (error) throw Error(ErrorCode::failed, "cannot be read: " + error.message(), folder.string());
}

/// A file system is mounted on the folder, as one is on a container's volume.
bool is_mount_point(const fs::path& folder) {
  struct statx status {};
  return ::statx(AT_FDCWD, folder.c_str(), 0, 0, &status) == 0 &&
         (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

/// Throws usage if no other folder can have this one's name when the run is finished, or if whoever is in
/// this one would be left in a folder without a name.
void require_exchangeable(const fs::path& folder) {
  std::error_code ignored;
  const char* what = is_mount_point(folder)                           ? "is a mount point"
                     : fs::equivalent(folder, fs::path("."), ignored) ? "is the current folder"
                                                                      : nullptr;
  if (what != nullptr)
    throw Error(
        ErrorCode::usage,
        fmt::format("{}, and a finished run takes the place of its folder: name a folder in it (--out)",
                    what),
        folder.string());
}

/// Throws unless the finished run, if there is one, may be replaced.
void require_free(const fs::path& folder, ResultFolder::Existing existing) {
  if (!is_there(folder)) return;
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored))
    throw Error(ErrorCode::failed, "is a file, not a folder", folder.string());
  if (ResultFolder::is_finished(folder) && existing != ResultFolder::Existing::replace)
    throw Error(ErrorCode::usage, "is a finished run: choose another folder (--out), or replace it (--force)",
                folder.string());
  if (existing != ResultFolder::Existing::replace && is_there(folder / kEvaluation))
    throw Error(ErrorCode::usage,
                "holds an evaluation, which a run would replace: choose another folder (--out), or replace "
                "it (--force) and evaluate again afterwards",
                folder.string());
  require_exchangeable(folder);
  require_only_run_files(folder);
}

void remove_run(const fs::path& folder) {
  std::error_code ignored;
  for (const std::string_view name : kRunFiles) fs::remove(folder / name, ignored);
  fs::remove(folder, ignored);
}

/// Gives each of two folders the other's name in one step. False where the file system cannot.
bool exchange_durably(const fs::path& one, const fs::path& other) {
  if (::renameat2(AT_FDCWD, one.c_str(), AT_FDCWD, other.c_str(), RENAME_EXCHANGE) != 0) {
    if (errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP) return false;
    throw_system_error("cannot be put in place", other);
  }
  sync_folder(other.parent_path());
  return true;
}

template <typename T>
void write_matrix(const fs::path& path, const std::vector<T>& values, const PairMatrix& pairs) {
  const std::size_t shape[] = {static_cast<std::size_t>(pairs.foregrounds),
                               static_cast<std::size_t>(pairs.backgrounds)};
  const std::string header = npy_header(npy_type<T>(), shape);
  DurableFile file(path);
  file.write(0, std::as_bytes(std::span(header)));
  file.write(header.size(), std::as_bytes(std::span(values)));
  file.close();
}

}  // namespace

/// Holds a folder against other processes for as long as it lives.
class ResultFolder::Lock {
 public:
  explicit Lock(const fs::path& folder) {
    descriptor_ = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor_ < 0) throw_system_error("cannot be opened", folder);
    const bool locked = ::flock(descriptor_, LOCK_EX | LOCK_NB) == 0;
    if (locked && is_still(folder)) return;
    // A run that finished between the opening and the locking has renamed the folder.
    const bool held = locked || errno == EWOULDBLOCK;
    ::close(descriptor_);
    if (held) throw Error(ErrorCode::failed, "another search is writing this run", folder.string());
    throw_system_error("cannot be locked", folder);
  }
  ~Lock() { ::close(descriptor_); }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  bool is_still(const fs::path& folder) const {
    struct stat opened {};
    struct stat named {};
    return ::fstat(descriptor_, &opened) == 0 && ::stat(folder.c_str(), &named) == 0 &&
           opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
  }

  int descriptor_ = -1;
};

bool ResultFolder::is_partial(const fs::path& folder) {
  const fs::path named = folder.has_filename() ? folder : folder.parent_path();
  return named.extension() == kPartial;
}

bool ResultFolder::is_finished(const fs::path& folder) {
  std::error_code ignored;
  return !is_partial(folder) && fs::exists(folder / "run.json", ignored);
}

bool ResultFolder::is_unfinished(const fs::path& folder) {
  std::error_code ignored;
  const fs::path partial = is_partial(folder) ? folder : with_suffix(resolve(folder), kPartial);
  return !fs::exists(folder / "run.json", ignored) && fs::exists(partial / kJournal, ignored);
}

void ResultFolder::remove_leftovers(const fs::path& folder) {
  remove_file(folder / kJournal);
}

ResultFolder::ResultFolder(const fs::path& folder, Existing existing)
    : folder_(resolve(folder)), partial_(with_suffix(folder_, kPartial)) {
  std::error_code error;
  for (const char* suffix : {kPartial, kReplaced})
    if (folder_.extension() == suffix)
      throw Error(ErrorCode::usage,
                  fmt::format("is where an unfinished or replaced run of {} would be: leave out {}",
                              fs::path(folder_).replace_extension().string(), suffix),
                  folder.string());
  require_free(folder_, existing);
  fs::create_directories(partial_, error);
  if (error) throw Error(ErrorCode::failed, "cannot be created: " + error.message(), partial_.string());
  lock_ = std::make_unique<Lock>(partial_);
  require_only_run_files(partial_);
  if (existing != Existing::resume) {
    restore_replaced();
    require_free(folder_, existing);
  }
  if (!is_there(partial_ / kJournal)) return;
  if (existing == Existing::replace) {
    remove_file(partial_ / kJournal);
    return;
  }
  journal_.emplace(partial_ / kJournal);
  if (journal_->blocks() == 0) {
    journal_.reset();
    remove_file(partial_ / kJournal);
  } else if (existing == Existing::refuse) {
    throw Error(ErrorCode::usage, "is an unfinished run: resume it (--resume), or replace it (--force)",
                partial_.string());
  }
}

/// Killed between the two names of a commit that could not exchange them, a run to replace has lost its own.
void ResultFolder::restore_replaced() const {
  const fs::path replaced = with_suffix(folder_, kReplaced);
  if (!is_there(folder_) && is_finished(replaced)) rename_durably(replaced, folder_);
}

ResultFolder::~ResultFolder() {
  if (lock_ && !can_be_resumed()) remove_run(partial_);
}

Journal& ResultFolder::begin(const RunIdentity& identity, const PlanShape& shape) {
  if (journal_) {
    const std::string difference = identity_difference(journal_->identity(), identity);
    if (!difference.empty())
      throw Error(ErrorCode::usage,
                  fmt::format("is a run of something else: {}; give the same again, or replace it (--force)",
                              difference),
                  partial_.string());
  }
  const PlanShape& planned = journal_ ? journal_->shape() : shape;
  if (planned.foregrounds != shape.foregrounds || planned.backgrounds != shape.backgrounds)
    throw Error(ErrorCode::bad_input, "is a journal of another size: start the run again (--force)",
                (partial_ / kJournal).string());
  begin();
  if (!journal_) journal_.emplace(partial_ / kJournal, identity, shape);
  return *journal_;
}

void ResultFolder::begin() {
  for (const std::string_view name : kRunFiles)
    if (name != kJournal) remove_file(partial_ / name);
}

void ResultFolder::write_answers(const PairMatrix& pairs) {
  write_matrix(partial_ / "predictions.npy", pairs.predictions, pairs);
  write_matrix(partial_ / "margins.npy", pairs.margins, pairs);
}

void ResultFolder::write(std::string_view name, std::string_view content) {
  write_durable_file(partial_ / name, content);
}

void ResultFolder::commit() {
  sync_folder(partial_);
  fs::path replaced = with_suffix(folder_, kReplaced);
  remove_run(replaced);
  const bool replaces = is_there(folder_);
  // Held until it is gone: its new name is the one under which another process would begin.
  const std::unique_ptr<Lock> old = replaces ? std::make_unique<Lock>(folder_) : nullptr;
  if (replaces && exchange_durably(partial_, folder_)) {
    replaced = partial_;
  } else {
    if (replaces) rename_durably(folder_, replaced);
    rename_durably(partial_, folder_);
  }
  journal_.reset();
  remove_leftovers(folder_);
  lock_.reset();
  remove_run(replaced);
}

}  // namespace backdrop
