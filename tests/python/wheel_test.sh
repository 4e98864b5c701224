#!/usr/bin/env bash
# Does a wheel build, and work where it is unpacked? wheel_test.sh PYTHON BUILD
set -euo pipefail
source=$(CDPATH='' cd "$(dirname "$0")/../.." && pwd)
python=$1
export BACKDROP_BUILD_FOLDER=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if ! "$python" -c 'import setuptools, wheel, pip, numpy' 2>"$work/missing"; then
  echo "skipped: $(tail -1 "$work/missing")"
  exit 77
fi
# What the wheel is made of, in a folder of its own: setuptools writes beside its sources.
mkdir "$work/source"
cp -r "$source"/{CMakeLists.txt,README.md,pyproject.toml,setup.py,python} "$work/source"
"$python" -m pip wheel --quiet --no-deps --no-build-isolation --no-index --wheel-dir "$work" "$work/source"
"$python" -m zipfile -e "$work"/backdrop-*.whl "$work/site"
for file in __init__.py __init__.pyi py.typed results.py; do
  test -f "$work/site/backdrop/$file"
done
cd "$work"
PYTHONPATH=$work/site "$python" -c '
import backdrop, os
assert backdrop.__file__.startswith(os.environ["PYTHONPATH"])
print("backdrop", backdrop.__version__, len(backdrop.Model.architectures()), "architectures")'
