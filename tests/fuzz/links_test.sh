#!/usr/bin/env bash
# Do the fuzz targets that name their sources name all that they need?
#
#   links_test.sh CMAKE BUILD_FOLDER
set -euo pipefail
if [[ -z ${BACKDROP_TEST_ALL:-} ]]; then
  echo "skipped: runs with BACKDROP_TEST_ALL=1 (scripts/test.sh --all)"
  exit 77
fi
"$1" --build "$2" --target fuzz_links
