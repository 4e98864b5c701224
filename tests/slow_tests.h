/// \file
/// Whether slow tests run: scripts/test.sh --all.
#pragma once

#include <cstdlib>

namespace backdrop::test {

inline constexpr const char* kOnlySlowTests = "runs with BACKDROP_TEST_ALL=1 (scripts/test.sh --all)";

inline bool slow_tests_run() {
  return std::getenv("BACKDROP_TEST_ALL") != nullptr;
}

}  // namespace backdrop::test
