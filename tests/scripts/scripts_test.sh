#!/usr/bin/env bash
# Do the scripts keep their word where something is missing, fails or lies elsewhere? What they call are stand-ins.
#
#   scripts_test.sh SOURCE_FOLDER
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
tree="$scratch/a tree"
mkdir -p "$tree/build/bench-venv/bin" "$tree/fuzz/corpus/image" "$scratch/bin" "$scratch/elsewhere/data"
cp -r "$1/scripts" "$tree"
export PATH=$scratch/bin:$PATH GIT_CEILING_DIRECTORIES=$scratch
cd "$scratch/elsewhere"

fail() {
  echo "scripts_test.sh: $1" >&2
  cat "$scratch/said" >&2
  exit 1
}

# program PATH: writes a stand-in, whose commands are on the standard input.
program() {
  { echo '#!/usr/bin/env bash' && cat; } >"$1"
  chmod +x "$1"
}

# run STATUS SCRIPT ARGUMENT...: what it says goes to `said`.
run() {
  local expected=$1 status=0
  "$tree/scripts/$2" "${@:3}" >"$scratch/said" 2>&1 || status=$?
  ((status == expected)) || fail "$2: exit status $status, and $expected was expected"
}

# Without git nothing is checked, and nothing passes.
for check in dependencies documents format text; do run 77 "check_$check.sh"; done

for script in bench fuzz; do
  (cd "$tree/scripts" && "./$script.sh" --help) >"$scratch/said"
  grep -q "^  scripts/$script.sh " "$scratch/said" || fail "$script.sh --help from its own folder"
done

# An exported CDPATH leads nowhere else, although there is a folder of that name.
mkdir -p "$scratch/lure/scripts"
for script in bench fuzz; do
  (cd "$tree" && CDPATH=$scratch/lure bash "scripts/$script.sh" --help) >"$scratch/said" 2>&1 || fail "$script.sh with CDPATH"
done
for check in dependencies documents format text; do
  status=0
  (cd "$tree" && CDPATH=$scratch/lure bash "scripts/check_$check.sh") >"$scratch/said" 2>&1 || status=$?
  { ((status == 77)) && ! grep -qF "$scratch/lure" "$scratch/said"; } || fail "check_$check.sh with CDPATH: status $status"
done

# A build is kept where its tree is the same under another name, and not where it was made for another one.
program "$scratch/bin/cmake" </dev/null
ln -s "$tree" "$scratch/link"
echo "CMAKE_HOME_DIRECTORY:INTERNAL=$scratch/link" >"$tree/build/CMakeCache.txt"
run 0 build.sh
[[ -f $tree/build/CMakeCache.txt ]] || fail "build.sh: a link to the tree costs the build"
mkdir "$tree/build-asan"
echo "CMAKE_HOME_DIRECTORY:INTERNAL=$scratch/elsewhere" >"$tree/build-asan/CMakeCache.txt"
run 0 build.sh asan
[[ ! -e $tree/build-asan ]] || fail "build.sh: another tree's build is kept"

# tests STATUS: test.sh with a ctest that ends with this, and whose report has one test that passed and one that was skipped.
tests() {
  program "$scratch/bin/ctest" <<END
while [[ \$1 != --output-junit ]]; do shift; done
echo '<testsuite name="x" tests="2" failures="0" disabled="0" skipped="1" />' >"\$2"
exit $1
END
  run "$(($1 ? 1 : 0))" test.sh
}
for script in setup build check_dependencies check_documents check_format check_text; do
  program "$tree/scripts/$script.sh" </dev/null
done
tests 0
grep -qx '5 passed, 0 failed, 1 skipped' "$scratch/said" || fail "test.sh: counts otherwise"
tests 8
grep -qx '5 passed, 1 failed, 1 skipped' "$scratch/said" || fail "test.sh: a test that could not be started is only skipped"

# Files are those of the folder in which somebody measures, and data that was drawn in part is drawn again.
program "$tree/build/bench-venv/bin/python" <<'END'
[[ $1 == -c ]] && exit
[[ -d $3 ]] || exit 1
echo "$1 on $3"
END
program "$tree/build/backdrop" <<'END'
mkdir "$2"
END
mkdir "$tree/build/bench-data.partial"
run 0 bench.sh --quick --data-path data
grep -qxF "$tree/bench/compare.py on data" "$scratch/said" || fail "bench.sh: data of another folder"
run 0 bench.sh --quick
grep -qxF "$tree/bench/compare.py on $tree/build/bench-data" "$scratch/said" || fail "bench.sh: drawn data"
[[ ! -e $tree/build/bench-data.partial ]] || fail "bench.sh: half-drawn data is left"

# An environment that was stopped before it had pip is completed, not taken for one without the engines.
cp -r "$1/bench" "$tree"
program "$tree/build/bench-venv/bin/python" <<'END'
[[ $1 != -m ]]
END
program "$scratch/bin/python3" <<'END'
echo "$*"
END
run 0 ../bench/peers/install.sh
grep -qxF -- "-m venv build/bench-venv" "$scratch/said" || fail "install.sh: an environment without pip is kept"

# On the GPU, what the benchmarks need and is not there is no failure.
if command -v xz >/dev/null; then
  mkdir -p "$tree"/{.gpu/pack,api,cli,cmake,core,engine,include,kernels,loaders,models,report,search,tests}
  echo "the sum of other sources" | tee "$tree/.gpu/pack/sources" >"$tree/CMakeLists.txt"
  program "$tree/.gpu/pack/backdrop" <<'END'
[[ $1 != demo-data ]] || mkdir "$2"
END
  tar -C "$tree/.gpu" -cJf "$tree/.gpu/backdrop.tar.xz" pack
  program "$scratch/bin/python3" <<'END'
[[ $2 != *PIL* ]]
END
  OUT='' BACKDROP_GPU_DATA='' run 0 gpu.sh --benchmarks
  grep -q '^benchmarks: .* is not here' "$scratch/said" || fail "gpu.sh: Pillow is taken for granted"
  grep -q 'other sources' "$scratch/said" || fail "gpu.sh: programs of other sources are not named"
fi
rm "$scratch/bin/python3"

# Ctrl-C ends all of fuzz.sh, not one target of it. What another tree configured is configured anew.
mkdir -p "$tree/build-fuzz/fuzz" "$tree/fuzz/corpus/mask"
echo "CMAKE_HOME_DIRECTORY:INTERNAL=$scratch/elsewhere" >"$tree/build-fuzz/CMakeCache.txt"
program "$scratch/bin/cmake" <<<'echo "cmake $*"'
for target in image mask; do
  program "$tree/build-fuzz/fuzz/fuzz_$target" <<'END'
touch "$TMPDIR/left" && echo "$TMPDIR" >build-fuzz/scratch
kill -INT "$PPID"
exit 72
END
done
run 130 fuzz.sh all 1
grep -q '^mask' "$scratch/said" && fail "fuzz.sh: goes on with the next target"
[[ ! -e $(<"$tree/build-fuzz/scratch") ]] || fail "fuzz.sh: what a fuzzer left is still there"
grep -q '^cmake --preset fuzz .*--fresh' "$scratch/said" || fail "fuzz.sh: another tree's build is kept"
echo "the scripts keep their word"
