#!/usr/bin/env bash
# Does the C program call every function that backdrop.h declares: wrongly, and from many threads? And does the shared
# library export just those?
#
#   every_function_test.sh LIBRARY
set -euo pipefail
CDPATH='' cd "$(dirname "$0")"

declared=$(cat ../../include/backdrop/c/*.h | tr '\n' ' ' | grep -oE 'BACKDROP_EXPORT [^;(]*\(' |
  grep -oE 'backdrop_[a-z0-9_]+\($' | tr -d '(' | sort)

# agrees WHAT NAMES: are the names those that are declared?
agrees() {
  diff <(echo "$declared") <(echo "$2") && return
  echo "every_function_test.sh: $1 (< declared, > found)" >&2
  exit 1
}

calls_of() { grep -ohE '\bbackdrop_[a-z0-9_]+\(' "$@" | tr -d '(' | sort -u; }

agrees "the shared library exports others" \
  "$(nm -D --defined-only "$1" | awk '{print $3}' | sed 's/@.*//' | grep -E '^backdrop_' | sort)"
agrees "test_refusals.c does not call every function" "$(calls_of test_refusals.c)"
agrees "test_threads.c does not call every function" "$(calls_of test_threads.c handles.c)"
echo "$(wc -l <<<"$declared") functions"
