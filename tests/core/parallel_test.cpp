#include "core/parallel.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "backdrop/error.h"

namespace backdrop {
namespace {

/// Leaves this process room for the stacks of a few threads only.
void limit_address_space() {
  std::size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  const rlim_t bytes = pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE)) + (rlim_t{64} << 20);
  const rlimit limit{bytes, bytes};
  setrlimit(RLIMIT_AS, &limit);
}

TEST(ThreadPoolDeathTest, ThreadsThatCannotBeStartedAreAnError) {
  const auto start_many = [] {
    limit_address_space();
    try {
      const ThreadPool pool(4096);
    } catch (const Error& error) {
      std::fputs(error.what(), stderr);
      std::_Exit(static_cast<int>(error.code()));
    }
    std::_Exit(0);
  };
  EXPECT_EXIT(start_many(), ::testing::ExitedWithCode(static_cast<int>(ErrorCode::failed)),
              "cannot start 4096 threads: .*--threads");
}

}  // namespace
}  // namespace backdrop
