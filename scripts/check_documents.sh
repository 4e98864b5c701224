#!/usr/bin/env bash
# Do the documents speak of what is there? Links and their anchors lead somewhere, files, options and public names that
# stand in backticks exist; every document of docs/ can be found from another one, and every option of CMake in one.
set -euo pipefail
CDPATH='' cd "$(dirname "$0")/.."
git ls-files --error-unmatch scripts >/dev/null || { echo "check_documents.sh: skipped: this is no git checkout"; exit 77; }

bad=0
complain() {
  echo "$1: $2" >&2
  bad=1
}

# Lines of a document outside blocks between ```.
prose() { awk '/^```/ { inside = !inside; next } !inside' "$1"; }

# The anchors that GitHub gives a document's headings.
anchors() {
  prose "$1" | sed -nE 's/^#+ +//p' | tr '[:upper:]' '[:lower:]' | sed -E 's/\]\([^)]*\)//g; s/[^a-z0-9 _-]//g; s/ /-/g'
}

# check_link FILE TARGET: TARGET as it stands in FILE.
check_link() {
  local file=$1 path=${2%%#*} anchor=
  [[ $2 != *'#'* ]] || anchor=${2#*#}
  if [[ -z $path ]]; then
    path=$file
  else
    path=$(realpath -m --relative-to=. "$(dirname "$file")/$path")
  fi
  if [[ ! -e $path ]]; then
    complain "$file" "links to $2, which is not there"
  elif [[ -n $anchor ]] && ! anchors "$path" | grep -qxF -e "$anchor"; then
    complain "$file" "links to $2, and $path has no such heading"
  fi
}

# Options of other programs, and a file of another project.
foreign='--(gtest_filter|capture-range-end|cuda-graph-trace)|challenge_eval\.py'

# check_names FILE: what stands in backticks.
check_names() {
  local file=$1 name
  while IFS= read -r name; do
    case $name in
      --* | backdrop_* | BACKDROP_*)
        git grep -qF -e "$name" -- ':!*.md' ":!scripts/check_documents.sh" || complain "$file" "names $name, which no source has"
        ;;
      *) [[ -n $(git ls-files -- "$name" "*/$name") ]] || complain "$file" "names $name, which is not there" ;;
    esac
  done < <(prose "$file" | grep -oP '(?<!`)`\K[^`]+(?=`(?!`))' |
    grep -oP '(?<![\w-])--[a-z][\w-]+|\b(backdrop|BACKDROP)_\w+|(?<![\w./*$-])[\w./*-]+\.(h|cpp|cu|cuh|inl|py|sh|md)\b' |
    grep -vxE -e "$foreign" | sort -u)
}

while IFS= read -r file; do
  while IFS= read -r link; do
    [[ $link == http*://* ]] || check_link "$file" "$link"
  done < <(prose "$file" | grep -oP '\]\(\K[^)\s]+')
  check_names "$file"
done < <(git ls-files -- '*.md')
while IFS= read -r file; do
  git grep -qF -e "(${file#docs/}" -e "($file" -- '*.md' || complain "$file" "no other document links to it"
done < <(git ls-files -- 'docs/*.md')
while IFS= read -r option; do
  git grep -qwF -e "$option" -- '*.md' || complain "$option" "no document has this option of CMake"
done < <(git grep -hoP 'option\(\KBACKDROP_\w+|set\(\KBACKDROP_\w+(?=.* CACHE )' -- cmake | sort -u)
exit "$bad"
