#!/usr/bin/env bash
# Inside another project, by add_subdirectory: is there the library alone, and does everything else stay that project's?
#
#   subproject_test.sh CMAKE CXX
set -euo pipefail
source=$(CDPATH='' cd "$(dirname "$0")/../.." && pwd)
cmake=$1 cxx=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() { echo "subproject_test.sh: $*" >&2; exit 1; }

cat >"$work/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.25)
project(parent VERSION 3.2.1 LANGUAGES CXX)
enable_testing()
add_subdirectory("${BACKDROP_SOURCE}" backdrop)
add_executable(program program.cpp)
target_link_libraries(program PRIVATE backdrop::backdrop)
foreach(name CMAKE_BUILD_TYPE CMAKE_CXX_STANDARD CMAKE_CXX_VISIBILITY_PRESET CPACK_PACKAGE_NAME)
  if(DEFINED ${name} AND NOT "${${name}}" STREQUAL "")
    message(SEND_ERROR "${name} has become ${${name}}")
  endif()
endforeach()
foreach(target backdrop_cli backdrop_mpi test_core package)
  if(TARGET ${target})
    message(SEND_ERROR "there is a target ${target}")
  endif()
endforeach()
get_target_property(library backdrop::backdrop ALIASED_TARGET)
message(STATUS "backdrop::backdrop is ${library}")
END
cat >"$work/program.cpp" <<'END'
#include <backdrop/search.h>
int main() {}
END

# configure FOLDER OPTION...: what CMake says is in FOLDER.log.
configure() {
  local folder=$1
  shift
  "$cmake" -S "$work" -B "$work/$folder" -G "Unix Makefiles" -DCMAKE_CXX_COMPILER="$cxx" -DBACKDROP_SOURCE="$source" \
    -DBACKDROP_CUDA=OFF "$@" >"$work/$folder.log" 2>&1 || { cat "$work/$folder.log" >&2; exit 1; }
}

# is_said FOLDER TEXT
is_said() {
  grep -qF -- "$2" "$work/$1.log" || fail "\"$2\" is not said"
}

configure plain -DCMAKE_CXX_FLAGS="-Wconversion -Wuseless-cast"
is_said plain "backdrop::backdrop is backdrop"
if grep -rq 'file(INSTALL' "$work/plain/backdrop" --include=cmake_install.cmake; then fail "it installs into the project's prefix"; fi
if ls "$work"/plain/CPackConfig.cmake 2>/dev/null; then fail "it makes packages of the project"; fi
if (cd "$work/plain" && ctest -N) | grep -q 'Test *#'; then fail "its tests are among the project's"; fi

# The flags of one source of the library: optimised, and what the project warns of is no error.
flags=$work/plain/backdrop/core/CMakeFiles/backdrop_core.dir/flags.make
grep -q -- '-O3' "$flags" || fail "without a build type the library is not optimised"
if grep -q -- '-Werror' "$flags"; then fail "warnings of the project's flags are errors"; fi

configure shared -DBUILD_SHARED_LIBS=ON
is_said shared "backdrop::backdrop is backdrop_shared"
configure more -DBACKDROP_INSTALL=ON
grep -rq 'file(INSTALL' "$work/more/backdrop" --include=cmake_install.cmake || fail "BACKDROP_INSTALL does nothing"

# pkg-config's file is relative, however the folders are given.
configure absolute -DBACKDROP_INSTALL=ON -DCMAKE_INSTALL_PREFIX=/opt/backdrop -DCMAKE_INSTALL_LIBDIR=/opt/backdrop/lib64 \
  -DCMAKE_INSTALL_INCLUDEDIR=/opt/backdrop/include
grep -E '^[a-z]+=' "$work/absolute/backdrop/package/backdrop.pc" >"$work/absolute.log"
is_said absolute "prefix=\${pcfiledir}/../../"
is_said absolute "libdir=\${prefix}/lib64"
is_said absolute "includedir=\${prefix}/include"

# Headers of an older cuDNN are as none.
mkdir "$work/cudnn8"
touch "$work/cudnn8/cudnn.h"
echo '#define CUDNN_MAJOR 8' >"$work/cudnn8/cudnn_version.h"
configure old -DBACKDROP_CUDA=AUTO -DCUDNN_INCLUDE_DIR="$work/cudnn8"
is_said old "GPU engine: off"

# So is a CUDA compiler that refuses the C++ compiler, as it does a newer one than it knows.
printf '#!/bin/sh\nexit 1\n' >"$work/nvcc"
chmod +x "$work/nvcc"
(unset CUDACXX && configure refused -DBACKDROP_CUDA=AUTO -DBACKDROP_NVCC="$work/nvcc")
is_said refused "GPU engine: off (no CUDA compiler)"

# Tests there are without the command, too; whatever CMake takes for false is OFF.
"$cmake" -S "$source" -B "$work/off" -DCMAKE_CXX_COMPILER="$cxx" -DBACKDROP_BUILD_CLI=OFF -DBACKDROP_CUDA=no -DBACKDROP_MPI=0 \
  -DCMAKE_DISABLE_FIND_PACKAGE_MPI=ON >"$work/off.log" 2>&1 || { cat "$work/off.log" >&2; exit 1; }

# The revision is that of what is built, not of what was configured; the checkout's own, not that of a repository that has a
# copy in it.
echo >"$work/plain/backdrop/core/git_revision.h"
"$cmake" --build "$work/plain" --target backdrop_revision >"$work/plain.log"
grep -q BACKDROP_GIT_REVISION "$work/plain/backdrop/core/git_revision.h" || fail "a build keeps the revision it was configured with"

# revision FOLDER EXPECTED: of a checkout in FOLDER.
revision() {
  "$cmake" -DPROJECT_SOURCE_DIR="$work/$1" -DHEADER="$work/revision.h" -P "$source/cmake/BackdropVersion.cmake" >"$work/revision.log" 2>&1
  [[ $(<"$work/revision.h") == "#define BACKDROP_GIT_REVISION \"$2\"" ]] || fail "$1: not $2 but $(<"$work/revision.h")"
}
if command -v git >/dev/null; then
  git=(git -C "$work/outer" -c user.name=nobody -c user.email=nobody@localhost)
  git init -q "$work/outer"
  mkdir -p "$work/outer/copy" "$work/outer/bench/results"
  touch "$work/outer/bench/results/cpu.md"
  "${git[@]}" add . && "${git[@]}" commit -q -m one
  revision outer "$("${git[@]}" rev-parse --short=12 HEAD)"
  revision outer/copy unknown
  echo 1 >"$work/outer/bench/results/cpu.md"
  revision outer "$("${git[@]}" rev-parse --short=12 HEAD)"
  echo 1 >"$work/outer/source" && "${git[@]}" add source
  revision outer "$("${git[@]}" rev-parse --short=12 HEAD)-dirty"
fi
echo "the library alone, and nothing of the project's has changed"
