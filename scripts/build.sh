#!/usr/bin/env bash
# Configures and builds the release into build/; the command is build/backdrop.
#
#   scripts/build.sh [PRESET [TARGET...]]    another preset of CMakePresets.json: dev, bench, asan, tsan (into build-PRESET/);
#                                            only some targets, like backdrop_cli for the command without the tests
#
# BACKDROP_BUILD_PYTHON=AUTO (or ON) in the environment builds the Python module, too.
set -euo pipefail
CDPATH='' cd "$(dirname "$0")/.."

preset=${1:-release}
targets=("${@:2}")
options=()
if command -v ccache >/dev/null; then
  options+=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
fi
if [[ -n ${BACKDROP_BUILD_PYTHON:-} ]]; then
  options+=(-DBACKDROP_BUILD_PYTHON="$BACKDROP_BUILD_PYTHON")
fi

# A folder configured elsewhere (a copied or moved tree) cannot be reused.
folder=build
[[ $preset == release ]] || folder=build-$preset
if [[ -f $folder/CMakeCache.txt && ! $(sed -n 's/^CMAKE_HOME_DIRECTORY:INTERNAL=//p' "$folder/CMakeCache.txt") -ef . ]]; then
  rm -rf "$folder"
fi

cmake --preset "$preset" "${options[@]}" -Wno-dev --log-level=WARNING
cmake --build --preset "$preset" -j "$(nproc)" ${targets:+--target "${targets[@]}"}
