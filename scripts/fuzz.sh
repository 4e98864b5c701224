#!/usr/bin/env bash
# Runs the fuzz targets with libFuzzer, AddressSanitizer and UBSan, and prints what came of it as a table.
#
#   scripts/fuzz.sh TARGET|all SECONDS    one target (pickle, image, ...) or each in turn, SECONDS each
#   scripts/fuzz.sh --list                the targets
#
# Seeds come from fuzz/corpus; what a run finds is kept in build-fuzz/corpus and goes on from there the next time.
# Inputs that fail are kept in build-fuzz/crashes; any of them makes the exit status non-zero.
# BACKDROP_FUZZ_JOBS (default 1) is how many processes the build uses.
set -euo pipefail
CDPATH='' cd "$(dirname "$0")/.."
trap 'exit 130' INT  # libFuzzer ends by itself then, as if it had found something

list_targets() { for folder in fuzz/corpus/*/; do basename "$folder"; done; }
usage() { sed -n '2,9s/^# \{0,1\}//p' scripts/fuzz.sh; }

case ${1:-} in
  -h | --help) usage; exit 0 ;;
  --list) list_targets; exit 0 ;;
esac
if (($# != 2)) || [[ ! $2 =~ ^[1-9][0-9]*$ ]]; then
  usage >&2
  exit 2
fi
seconds=$2
mapfile -t targets < <(if [[ $1 == all ]]; then list_targets; else echo "$1"; fi)
for target in "${targets[@]}"; do
  if [[ ! -d fuzz/corpus/$target ]]; then
    echo "fuzz.sh: no target $target (--list names them)" >&2
    exit 2
  fi
done

scripts/setup.sh --fuzz
options=(-DCMAKE_CXX_COMPILER=clang++)
command -v clang++-14 >/dev/null && options=(-DCMAKE_CXX_COMPILER=clang++-14)
command -v ccache >/dev/null && options+=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
# In a copied or moved tree everything is configured anew; what was found stays.
[[ $(sed -n 's/^CMAKE_HOME_DIRECTORY:INTERNAL=//p' build-fuzz/CMakeCache.txt 2>/dev/null) -ef . ]] || options+=(--fresh)
cmake --preset fuzz "${options[@]}" -Wno-dev --log-level=WARNING
cmake --build build-fuzz --target "${targets[@]/#/fuzz_}" -j "${BACKDROP_FUZZ_JOBS:-1}"

# longest TARGET: inputs beyond this only slow a reader of small things down.
longest() {
  case $1 in
    class_map | npy_mask) echo 1024 ;;
    *) echo 8192 ;;
  esac
}

# statistic NAME LOG: a line "stat::NAME: number" of libFuzzer's report.
statistic() { sed -n "s/^stat::$1: *//p" "$2" | tail -1; }

# progress NAME LOG: the last value of "NAME: number" in libFuzzer's progress lines.
progress() { sed -nE "s/^#[0-9]+.*[[:space:]]$1: ([0-9]+).*/\1/p" "$2" | tail -1; }

run_target() {
  local target=$1 grown=build-fuzz/corpus/$1 crashes=build-fuzz/crashes log=build-fuzz/fuzz_$1.log status=0
  mkdir -p "$grown" "$crashes"
  "build-fuzz/fuzz/fuzz_$target" "$grown" "fuzz/corpus/$target" -max_total_time="$seconds" -timeout=10 \
    -rss_limit_mb=2048 -max_len="$(longest "$target")" -use_value_profile=1 -print_final_stats=1 \
    -artifact_prefix="$crashes/$target-" >"$log" 2>&1 || status=$?
  local files
  files=$(find "$grown" -type f | wc -l)
  printf '%-18s %12s %8s %9s %9s %9s  %s\n' "$target" "$(statistic number_of_executed_units "$log")" \
    "$(statistic average_exec_per_sec "$log")" "$(progress cov "$log")" "$(progress ft "$log")" "$files" \
    "$( ((status)) && echo "FAILED: $log" || echo ok)"
  return "$status"
}

# In memory where the system has such a place. A fuzzer that is stopped or finds something leaves its files there.
TMPDIR=$(mktemp -d -p "$([[ -w /dev/shm ]] && echo /dev/shm || echo /tmp)" backdrop-fuzz-XXXXXX)
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT

failed=0
printf '%-18s %12s %8s %9s %9s %9s  %s\n' target executions /second coverage features corpus result
for target in "${targets[@]}"; do
  run_target "$target" || failed=1
done
if ((failed)); then
  echo "fuzz.sh: failing inputs are in build-fuzz/crashes; run one with build-fuzz/fuzz/fuzz_TARGET FILE" >&2
fi
exit "$failed"
