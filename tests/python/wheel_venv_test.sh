#!/usr/bin/env bash
# `pip wheel .` as anybody would call it, from a clean copy of the sources: does the wheel pass the module's tests in a fresh
# environment? Slow, for it compiles the library: runs with BACKDROP_TEST_ALL=1.
#
#   wheel_venv_test.sh PYTHON CHECKPOINT
set -euo pipefail
source=$(CDPATH='' cd "$(dirname "$0")/../.." && pwd)
python=$1 checkpoint=$2

skip() { echo "skipped: $*"; exit 77; }

[[ -n ${BACKDROP_TEST_ALL:-} ]] || skip "slow; BACKDROP_TEST_ALL=1 runs it"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$python" -m venv "$work/venv" >"$work/log" 2>&1 || skip "no virtual environment: $(tail -1 "$work/log")"
pip=$work/venv/bin/pip
"$pip" download --quiet --no-deps --dest "$work/reached" wheel >"$work/log" 2>&1 ||
  skip "pip reaches no registry: $(tail -1 "$work/log")"

mkdir "$work/source"
tar -C "$source" --exclude='./build*' --exclude=./.git -cf - . | tar -C "$work/source" -xf -
export CMAKE_ARGS=${CMAKE_ARGS:-}
if command -v ccache >/dev/null; then
  CMAKE_ARGS+=" -DCMAKE_CXX_COMPILER_LAUNCHER=ccache"
fi
cd "$work/source"
"$pip" wheel --quiet --wheel-dir "$work/wheels" . || exit 1
"$pip" install --quiet --no-index --find-links "$work/wheels" backdrop
cd "$work"
"$work/venv/bin/python" -c 'import backdrop; print(backdrop.__file__, backdrop.__version__)' | grep -F "$work/venv/"
"$work/venv/bin/python" "$source/tests/python/module_test.py" "$checkpoint"

# Numpy 2 works or is refused, and never misread.
"$pip" install --quiet --no-deps 'numpy>=2'
if refusal=$("$work/venv/bin/python" -c 'import backdrop' 2>&1); then
  "$work/venv/bin/python" "$source/tests/python/module_test.py" "$checkpoint"
else
  grep -F 'install numpy<2' <<<"$refusal"
fi
