#!/usr/bin/env bash
# Installs into an empty folder, moves it, and builds and runs the examples against it: by CMake with the shared and the
# static library, and by pkg-config.
#
#   package_test.sh BUILD CMAKE GENERATOR CXX CC
set -euo pipefail
source=$(CDPATH='' cd "$(dirname "$0")/../.." && pwd)
build=$1 cmake=$2 generator=$3 cxx=$4 cc=$5
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/moved/prefix

# quietly COMMAND...: shows what it said only if it failed.
quietly() {
  "$@" >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
}

quietly "$cmake" --install "$build" --prefix "$work/first"
mkdir "$work/moved" && mv "$work/first" "$prefix"
if grep -rnI -e "$work" -e "$build" -e "$source" "$prefix"; then
  echo "an installed file names a folder of this machine" >&2
  exit 1
fi

# The manual page and the completions, where man and the shells look for them under a prefix.
check_document() {
  local file=$prefix/$1
  shift
  "$prefix/bin/backdrop" "$@" | diff -q "$file" - || { echo "$file is not what the command writes" >&2; exit 1; }
}
check_document share/man/man1/backdrop.1 manual
check_document share/bash-completion/completions/backdrop completions bash
check_document share/zsh/site-functions/_backdrop completions zsh
check_document share/fish/vendor_completions.d/backdrop.fish completions fish
(set +u && source "$prefix/share/bash-completion/completions/backdrop" && complete -p backdrop >/dev/null)

# What the examples run on.
quietly "$prefix/bin/backdrop" demo-data "$work/data" --images-per-class 1
checkpoint=$source/models/demo/demo-resnet18.pt
# One raw photo, all of one colour.
head -c $((224 * 224 * 3)) /dev/zero | tr '\0' '\200' >"$work/grey.rgb"

# What the harness must say, from the command.
"$prefix/bin/backdrop" challenge --checkpoint "$checkpoint" --data-path "$work/data" --mode all --quiet |
  grep '^Challenge accuracy: ' >"$work/accuracy.txt"

# run_examples FOLDER: runs the examples built there and looks at what they say.
run_examples() {
  "$1/harness" "$checkpoint" "$work/data" "$1/results" 2>/dev/null | tee "$work/harness.txt" | tail -n +2
  grep -qx 'originals: 9 of 9 right' "$work/harness.txt"
  diff <(tail -1 "$work/harness.txt" | sed 's/.*challenge accuracy //') <(grep -o '[0-9.]*%$' "$work/accuracy.txt")
  "$1/own_classifier" | tee "$work/own_classifier.txt" | tail -1
  grep -qx 'challenge accuracy 0%' "$work/own_classifier.txt"
  if [[ -x $1/classify ]]; then
    "$1/classify" "$checkpoint" "$work/grey.rgb" | tee "$work/classify.txt"
    grep -qE '^resnet18: class [0-8] of 9$' "$work/classify.txt"
  fi
}

# Examples are built as their own CMakeLists.txt says, with an install tree as all they know. Unoptimised: they compute little.
by_cmake() {
  local kind=$1 example
  shift
  for example in "${examples[@]}"; do
    quietly "$cmake" -S "$source/examples/$example" -B "$work/$kind/$example" -G "$generator" -DCMAKE_BUILD_TYPE= \
      -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_CXX_COMPILER="$cxx" -DCMAKE_C_COMPILER="$cc" \
      --no-warn-unused-cli \
      -DCMAKE_RUNTIME_OUTPUT_DIRECTORY="$work/$kind/bin" "$@"
    quietly "$cmake" --build "$work/$kind/$example"
  done
  echo "== by CMake, $kind"
  run_examples "$work/$kind/bin"
}

# A component that is optional and not to be had is passed over; one that is asked for is missed.
mkdir "$work/components"
cat >"$work/components/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.25)
project(components LANGUAGES C)
find_package(backdrop 0.1 REQUIRED OPTIONAL_COMPONENTS static other COMPONENTS shared)
get_target_property(library backdrop::backdrop ALIASED_TARGET)
if(backdrop_static_FOUND OR NOT library STREQUAL "backdrop::shared")
  message(FATAL_ERROR "found ${library}")
endif()
find_package(backdrop COMPONENTS static)
if(backdrop_FOUND)
  message(FATAL_ERROR "found a static library for C")
endif()
END
quietly "$cmake" -S "$work/components" -B "$work/components/build" -G "$generator" -DCMAKE_PREFIX_PATH="$prefix" \
  -DCMAKE_C_COMPILER="$cc"

# So is one whose own libraries are missing.
mkdir "$work/optional"
cat >"$work/optional/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.25)
project(optional LANGUAGES CXX)
find_package(backdrop REQUIRED COMPONENTS shared OPTIONAL_COMPONENTS static)
if(backdrop_static_FOUND OR NOT TARGET backdrop::shared)
  message(FATAL_ERROR "found a static library without fmt")
endif()
END
quietly "$cmake" -S "$work/optional" -B "$work/optional/build" -G "$generator" -DCMAKE_PREFIX_PATH="$prefix" \
  -DCMAKE_CXX_COMPILER="$cxx" -DCMAKE_DISABLE_FIND_PACKAGE_fmt=ON

examples=(harness own_classifier c)
by_cmake shared
examples=(harness own_classifier)
by_cmake static -DBUILD_SHARED_LIBS=OFF
# grep reads to the end: with -q it would leave early, and ldd might fail for want of a reader.
ldd "$work/shared/bin/harness" | grep 'libbackdrop.so' >/dev/null
if ldd "$work/static/bin/harness" | grep 'libbackdrop' >/dev/null; then
  echo "the static harness needs the shared library" >&2
  exit 1
fi

if ! command -v pkg-config >/dev/null; then
  echo "skipped: pkg-config is not installed"
  exit 77
fi
PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name backdrop.pc)")
export PKG_CONFIG_PATH
for example in harness own_classifier; do
  # shellcheck disable=SC2046
  "$cxx" -std=c++20 -c "$source/examples/$example/$example.cpp" $(pkg-config --cflags backdrop) -o "$work/$example.o"
done
# shellcheck disable=SC2046
"$cc" -std=c11 -c "$source/examples/c/classify.c" $(pkg-config --cflags backdrop) -o "$work/classify.o"
by_pkg_config() {
  local kind=$1 example
  shift
  mkdir "$work/pc-$kind"
  for example in harness own_classifier; do
    "$cxx" "$work/$example.o" "$@" -o "$work/pc-$kind/$example"
  done
  "$cc" "$work/classify.o" "$@" -o "$work/pc-$kind/classify"
  echo "== by pkg-config, $kind"
  run_examples "$work/pc-$kind"
}
# shellcheck disable=SC2046
LD_LIBRARY_PATH=$(dirname "$PKG_CONFIG_PATH") by_pkg_config shared $(pkg-config --libs backdrop)
# shellcheck disable=SC2046
by_pkg_config static $(pkg-config --static --libs backdrop | sed 's/-lbackdrop/-l:libbackdrop.a/')
