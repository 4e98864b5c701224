#!/usr/bin/env bash
# Does every folder include only those below it? api, cli -> search, report -> engine -> kernels, models -> loaders -> core.
#
# Besides the direction: kernels know neither networks nor data sets, search does not reach past the engine,
# and the public headers show neither a private header nor a library's type.
set -euo pipefail
CDPATH='' cd "$(dirname "$0")/.."
git ls-files --error-unmatch scripts >/dev/null || { echo "check_dependencies.sh: skipped: this is no git checkout"; exit 77; }

# Prefixes of quoted includes that each folder may use.
declare -A allowed=(
  [include]="backdrop/"
  [core]="core/ backdrop/"
  [loaders]="loaders/ core/ backdrop/"
  [models]="models/ loaders/checkpoint.h loaders/tensor.h core/ backdrop/"
  [kernels]="kernels/ core/ backdrop/"
  [engine]="engine/ kernels/ models/ loaders/checkpoint.h loaders/tensor.h loaders/image.h loaders/mask.h loaders/class_map.h core/ backdrop/"
  [search]="search/ engine/ models/ loaders/ core/ backdrop/"
  [report]="report/ search/ engine/ models/ loaders/ core/ backdrop/"
  [api]="api/ report/ search/ engine/ kernels/composite.h models/ loaders/ core/ backdrop/"
  [python]="module.h backdrop/"
  [cli]="cli/ report/ search/ engine/ models/ loaders/ core/ backdrop/"
)

bad=0
complain() {
  echo "$1: $2" >&2
  bad=1
}

check_include() {
  local folder=$1 file=$2 included=$3 prefix
  for prefix in ${allowed[$folder]}; do
    [[ $included == "$prefix"* ]] && return
  done
  complain "$file" "$folder/ may not include \"$included\""
}

# Lines "FILE:INCLUDED" of one folder.
quoted_includes() {
  git ls-files -z -- "$1/*.h" "$1/*.cpp" "$1/*.cu" "$1/*.cuh" |
    xargs -0 -r sed -nE 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*"([^"]+)".*/\1/;T;F;p' | paste -d: - -
}

for folder in include core loaders models kernels engine search report api python cli; do
  while IFS=: read -r file included; do
    check_include "$folder" "$file" "$included"
  done < <(quoted_includes "$folder")
done

private_types='<(fmt|nlohmann|oneapi|dnnl|zip|jpeglib|openssl|CLI|cuda|cudnn|cublas)[./_a-zA-Z0-9]*>'
if git grep -nE "#[[:space:]]*include[[:space:]]*$private_types" -- 'include/'; then
  complain include "a public header shows a library's type"
fi
exit "$bad"
