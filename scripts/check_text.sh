#!/usr/bin/env bash
# Is the text of every tracked file fit to publish? No path of somebody's machine, no loose ends, no stray bytes; and a
# program is executable.
set -euo pipefail
CDPATH='' cd "$(dirname "$0")/.."
git ls-files --error-unmatch scripts >/dev/null || { echo "check_text.sh: skipped: this is no git checkout"; exit 77; }

bad=0

# refuse WHAT GREP-ARGUMENTS...: lists the lines found and remembers that there were some.
refuse() {
  local what=$1
  shift
  if git grep -nI "$@" -- . ':!LICENSE'; then
    echo "check_text.sh: $what" >&2
    bad=1
  fi
}

refuse "paths of one machine" -E '(^|[^A-Za-z0-9_.}$-])/(work|root|home|Users)/'
refuse "loose ends: write an entry in CHANGELOG.md's list of limits instead" -wE 'TO[D]O|FIX[M]E|XX[X]'
refuse "merge conflict markers" -E '^(<{7}|>{7}|={7})( |$)'
refuse "white space at line ends" -E '[[:blank:]]+$'
refuse "carriage returns" -l $'\r'

while IFS= read -r file; do
  if [[ -n $(tail -c 1 "$file") ]]; then
    echo "$file: no newline at the end" >&2
    bad=1
  fi
done < <(git grep -Il '')

while IFS= read -r file; do
  if [[ $(head -c 2 "$file") == '#!' && ! -x $file ]]; then
    echo "$file: begins with #! and is not executable" >&2
    bad=1
  fi
done < <(git grep -Il '^#!')
exit "$bad"
