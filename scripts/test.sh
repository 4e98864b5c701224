#!/usr/bin/env bash
# Everything that must hold before a change goes in: packages, build, source checks, tests.
#
#   scripts/test.sh          the release build and its tests
#   scripts/test.sh --all    the slow tests too, the whole suite again under AddressSanitizer and UBSan, and the program
#                            that calls the C interface from eight threads under ThreadSanitizer
#
# The last line is "N passed, N failed, N skipped"; any failure makes the exit status non-zero.
set -euo pipefail
CDPATH='' cd "$(dirname "$0")/.."

all=0
case ${1:-} in
  '') ;;
  --all) all=1 ;;
  *) echo "test.sh: unknown option $1 (--all)" >&2; exit 2 ;;
esac

passed=0
failed=0
skipped=0

# Runs one source check: exit status 77 means skipped, as in ctest.
run_check() {
  local status=0
  "$@" || status=$?
  case $status in
    0) passed=$((passed + 1)) ;;
    77) skipped=$((skipped + 1)) ;;
    *) failed=$((failed + 1)); echo "test.sh: failed: $*" >&2 ;;
  esac
}

# count_results FILE: adds what ctest's JUnit report of one run says.
count_results() {
  local line
  line=$(grep -m 1 -A 8 '<testsuite ' "$1" | tr '\n' ' ')
  attribute() { sed -n "s/.*[[:space:]]$1=\"\([0-9]*\)\".*/\1/p" <<<"$line"; }
  local tests failures skips disabled
  tests=$(attribute tests)
  failures=$(attribute failures)
  skips=$(attribute skipped)
  disabled=$(attribute disabled)
  passed=$((passed + tests - failures - skips - disabled))
  failed=$((failed + failures))
  skipped=$((skipped + skips + disabled))
}

# list_skips FILE: why tests of the run were skipped, and how many for each reason.
list_skips() {
  sed -nE '/: Skipped$/{n;p}; s/^.*<system-out>(skipped: .*)$/\1/p' "$1" | sed 's/&quot;/"/g' | sort | uniq -c | sort -rn
}

# run_tests PRESET FOLDER [CTEST-OPTION...]
run_tests() {
  local preset=$1 report=$PWD/$2/test-results.xml
  shift 2
  rm -f "$report"
  local status=0 before=$failed
  ctest --preset "$preset" -j "$(nproc)" --no-tests=error --output-junit "$report" "$@" || status=$?
  if [[ -s $report ]]; then
    count_results "$report"
    list_skips "$report"
  fi
  # The report counts a test that could not be started as skipped, and may be missing.
  if ((status && failed == before)); then
    failed=$((failed + 1))
  fi
}

scripts/setup.sh --tests
export BACKDROP_BUILD_PYTHON=${BACKDROP_BUILD_PYTHON:-AUTO}
scripts/build.sh

run_check scripts/check_format.sh
run_check scripts/check_dependencies.sh
run_check scripts/check_text.sh
run_check scripts/check_documents.sh

if ((all)); then
  export BACKDROP_TEST_ALL=1
fi
run_tests release build
if ((all)); then
  scripts/build.sh asan
  # Leaks count as failures.
  ASAN_OPTIONS=detect_leaks=1 run_tests asan build-asan
  scripts/build.sh tsan test_c_api
  run_tests tsan build-tsan -R '^CInterface'
fi

echo "$passed passed, $failed failed, $skipped skipped"
((failed == 0))
