#!/usr/bin/env bash
# Does the shared library export only the C interface and what backdrop:: marks for export?
#
#   exported_symbols_test.sh LIBRARY
set -euo pipefail

exported=$(nm -D --defined-only "$1" | awk '{print $3}' | sed 's/@.*//' | c++filt)
foreign=$(grep -vE '^(backdrop_[a-z0-9_]+|BACKDROP_[0-9]+|((typeinfo|typeinfo name|vtable) for )?backdrop::.*)$' \
  <<<"$exported" || true)
if [[ -n $foreign ]]; then
  echo "$1 exports what is not ours:" >&2
  echo "$foreign" >&2
  exit 1
fi
for needed in 'typeinfo for backdrop::Error' 'backdrop::version()'; do
  grep -qxF "$needed" <<<"$exported" || { echo "$1 does not export $needed" >&2; exit 1; }
done
echo "$(wc -l <<<"$exported") symbols, all ours"
