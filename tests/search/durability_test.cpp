// What must be on the device before a name points to it. The system calls of this program are noted here, and
// made to fail as a device or a file system might.
#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "backdrop/error.h"
#include "core/durable_file.h"
#include "search/logits_file.h"
#include "tests/search/journaled_search.h"
#include "tests/temporary_folder.h"

namespace backdrop {
namespace {

namespace fs = std::filesystem;
using Existing = ResultFolder::Existing;
using testing::JournaledSearch;
using testing::read_text;
using testing::TemporaryFolder;
using testing::write_text;

/// What a test wants of the calls; of one at a time.
struct SystemCalls {
  std::vector<std::string> made;  ///< "flush NAME", "write NAME", "rename NAME NAME", "exchange NAME NAME"
  bool exchanges = true;          ///< as some file systems cannot
  bool cuts_writes = false;       ///< interrupted at first, then a few bytes at a time
  int flush_error = 0;
};
SystemCalls* watched = nullptr;

void note_call(const char* what, const std::string& names) {
  watched->made.push_back(fmt::format("{} {}", what, names));
}

std::string name_of(int descriptor) {
  return fs::read_symlink(fmt::format("/proc/self/fd/{}", descriptor)).filename().string();
}

std::string names_of(const char* from, const char* to) {
  return fmt::format("{} {}", fs::path(from).filename().string(), fs::path(to).filename().string());
}

}  // namespace
}  // namespace backdrop

extern "C" int fsync(int descriptor) {
  using namespace backdrop;
  if (watched != nullptr) {
    note_call("flush", name_of(descriptor));
    errno = watched->flush_error;
    if (errno != 0) return -1;
  }
  return static_cast<int>(::syscall(SYS_fsync, descriptor));
}

extern "C" ssize_t pwrite(int descriptor, const void* bytes, std::size_t count, off_t offset) {
  using namespace backdrop;
  if (watched != nullptr) {
    note_call("write", name_of(descriptor));
    if (watched->cuts_writes && watched->made.size() == 1) {
      errno = EINTR;
      return -1;
    }
    if (watched->cuts_writes) count = std::min<std::size_t>(count, 3);
  }
  return ::syscall(SYS_pwrite64, descriptor, bytes, count, offset);
}

extern "C" int rename(const char* from, const char* to) noexcept {
  using namespace backdrop;
  if (watched != nullptr) note_call("rename", names_of(from, to));
  return static_cast<int>(::syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
}

extern "C" int renameat2(int from_folder, const char* from, int to_folder, const char* to,
                         unsigned flags) noexcept {
  using namespace backdrop;
  if (watched != nullptr && !watched->exchanges) {
    errno = EINVAL;
    return -1;
  }
  if (watched != nullptr) note_call("exchange", names_of(from, to));
  return static_cast<int>(::syscall(SYS_renameat2, from_folder, from, to_folder, to, flags));
}

namespace backdrop {
namespace {

class DurabilityTest : public ::testing::Test {
 protected:
  DurabilityTest() { watched = &calls; }
  ~DurabilityTest() override { watched = nullptr; }

  /// Where a call was made last, -1 if it was not.
  std::ptrdiff_t last(const std::string& call) const {
    const auto found = std::find(calls.made.rbegin(), calls.made.rend(), call);
    return std::distance(found, calls.made.rend()) - 1;
  }

  /// The file's last flush came after its last write and before the call.
  void expect_flushed_before(const std::string& name, const std::string& call) const {
    EXPECT_GE(last("write " + name), 0) << name;
    EXPECT_GT(last("flush " + name), last("write " + name)) << name;
    EXPECT_LT(last("flush " + name), last(call)) << name;
  }

  void finish_run(const std::string& content, Existing existing) {
    ResultFolder folder(out, existing);
    folder.begin();
    folder.write_answers(PairMatrix(2, 4));
    folder.write("run.json", content);
    folder.commit();
  }

  void expect_run_flushed_before(const std::string& call) const {
    for (const char* name : {"predictions.npy", "margins.npy", "run.json"}) {
      expect_flushed_before(name, call);
      EXPECT_LT(last(fmt::format("flush {}", name)), last("flush one.partial"));
    }
    EXPECT_LT(last("flush one.partial"), last(call));
    EXPECT_GT(last("flush runs"), last(call));
  }

  SystemCalls calls;
  TemporaryFolder temporary;
  fs::path out = temporary.path / "runs" / "one";
};

TEST_F(DurabilityTest, ARunIsOnTheDeviceBeforeItHasItsName) {
  finish_run("first", Existing::refuse);
  expect_run_flushed_before("rename one.partial one");
}

TEST_F(DurabilityTest, ARunThatReplacesAnotherToo) {
  finish_run("first", Existing::refuse);
  calls.made.clear();
  finish_run("second", Existing::replace);
  if (last("exchange one.partial one") >= 0 && last("rename one.partial one") < 0)
    expect_run_flushed_before("exchange one.partial one");
  EXPECT_EQ(read_text(out / "run.json"), "second");
}

TEST_F(DurabilityTest, ARunIsReplacedWhereTwoNamesCannotBeExchanged) {
  calls.exchanges = false;
  finish_run("first", Existing::refuse);
  const fs::path replaced = out.string() + ".replaced";
  fs::create_directory(replaced);
  write_text(replaced / "run.json", "left by a session that was killed");
  calls.made.clear();
  finish_run("second", Existing::replace);
  expect_run_flushed_before("rename one.partial one");
  EXPECT_LT(last("rename one one.replaced"), last("rename one.partial one"));
  EXPECT_EQ(read_text(out / "run.json"), "second");
  EXPECT_FALSE(fs::exists(replaced));
}

TEST_F(DurabilityTest, AJournalIsOnTheDeviceWhenItBeginsAndWhenItsSessionEnds) {
  JournaledSearch search(out);
  EXPECT_THROW(search.run(Existing::refuse, 300), Error);
  expect_flushed_before("journal.new", "rename journal.new journal");
  EXPECT_GT(last("flush one.partial"), last("rename journal.new journal"));
  EXPECT_GT(last("flush journal"), last("write journal"));

  ResultFolder folder(out, Existing::resume);
  SearchHooks hooks;
  hooks.journal = &folder.begin(search.identity, plan_shape(search.engine, search.input));
  const PlanShape shape = hooks.journal->shape();
  const auto plan = plan_adaptive(shape, search.input.foreground_labels(), search.input.background_labels());
  calls.made.clear();
  run_search(search.engine, search.input, testing::identity_map(testing::kScriptedClasses), *plan, shape,
             hooks);
  EXPECT_GE(last("write journal"), 0);
  EXPECT_GT(last("flush journal"), last("write journal"));
}

TEST_F(DurabilityTest, AFileIsOnTheDeviceBeforeItReplacesAnother) {
  replace_file(temporary.path / "page.html", "new");
  const auto renamed = std::find_if(calls.made.begin(), calls.made.end(),
                                    [](const std::string& call) { return call.starts_with("rename "); });
  ASSERT_NE(renamed, calls.made.end());
  const std::string call = *renamed;
  const std::string draft = call.substr(7, call.find(' ', 7) - 7);
  expect_flushed_before(draft, call);
  EXPECT_GT(last("flush " + temporary.path.filename().string()), last(call));
}

TEST_F(DurabilityTest, LogitsAreOnTheDeviceBeforeTheyHaveTheirName) {
  LogitsFile logits(temporary.path / "l.npy", 2, 3, 4);
  logits.commit();
  expect_flushed_before("l.npy.partial", "rename l.npy.partial l.npy");
}

TEST_F(DurabilityTest, AWriteThatIsCutShortGoesOn) {
  calls.cuts_writes = true;
  write_durable_file(temporary.path / "f", "some bytes more");
  EXPECT_EQ(read_text(temporary.path / "f"), "some bytes more");
}

TEST_F(DurabilityTest, WhatTheDeviceRefusesIsAnError) {
  calls.flush_error = EIO;
  EXPECT_THROW(write_durable_file(temporary.path / "f", "x"), Error);
  EXPECT_THROW(sync_folder(temporary.path), Error);
  calls.flush_error = EINVAL;  // a file system that flushes no folders
  sync_folder(temporary.path);
}

}  // namespace
}  // namespace backdrop
