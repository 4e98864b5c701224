#!/usr/bin/env bash
# Measures Backdrop on this machine's CPU and writes tables and plots into bench/results.
#
#   scripts/bench.sh            against every engine that can be installed, how the cost scales, and single kernels and
#                               networks (the better part of an hour)
#   scripts/bench.sh --quick    against them on fewer networks and composites (some five minutes on two cores that do
#                               nothing else)
#
#   --data-path DATA            a tree in the form of the IN-9 release (default: drawn photos)
#   --checkpoint ARCH=FILE      weights for that network (default: seeded random ones), may be repeated
#   --threads N                 for everybody whose searches are compared (default: all; the suites of kernels, networks and
#                               searches take one or all)
#   --name NAME                 of the files (default: cpu, with --quick: cpu_quick)
#
# Run scripts/setup.sh --bench first: it installs the other engines. Those that are missing are left out and named.
set -euo pipefail
root=$(CDPATH='' cd "$(dirname "$0")/.." && pwd)

quick=0
data=''
name=''
threads=$(nproc)
checkpoints=()
while (($#)); do
  case $1 in
    --quick) quick=1 ;;
    --data-path) data=${2:?bench.sh: --data-path needs a folder}; shift ;;
    --checkpoint) checkpoints+=("${2:?bench.sh: --checkpoint needs ARCH=FILE}"); shift ;;
    --threads) threads=${2:?bench.sh: --threads needs a number}; shift ;;
    --name) name=${2:?bench.sh: --name needs a name}; shift ;;
    -h | --help) sed -n '2,15s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "bench.sh: unknown option $1 (--help lists them)" >&2; exit 2 ;;
  esac
  shift
done

"$root/scripts/build.sh" release backdrop_cli
if [[ -z $data ]]; then
  data=$root/build/bench-data
  if [[ ! -d $data ]]; then
    rm -rf "$data.partial"
    "$root/build/backdrop" demo-data "$data.partial" --images-per-class 10
    mv "$data.partial" "$data"
  fi
fi

# The peers' Pythons: the environment of its own, and the system's where that has PyTorch.
pythons=()
for python in "$root/build/bench-venv/bin/python" /usr/bin/python3; do
  if [[ -x $python ]] && "$python" -c 'import numpy, PIL, torch, torchvision' 2>/dev/null; then pythons+=("$python"); fi
done
if ((${#pythons[@]} == 0)); then
  echo "bench.sh: no Python with PyTorch, whose checkpoints all others are made from: run scripts/setup.sh --bench" >&2
  exit 1
fi

options=(--data-path "$data" --threads "$threads" --python "${pythons[@]}")
if ((${#checkpoints[@]})); then options+=(--checkpoint "${checkpoints[@]}"); fi
if ((quick)); then
  "${pythons[0]}" "$root/bench/compare.py" "${options[@]}" --quick --rounds 2 --patience 0 --run resnet18=9x32 resnet50=9x16 \
    --name "${name:-cpu_quick}"
  exit
fi
name=${name:-cpu}
"${pythons[0]}" "$root/bench/compare.py" "${options[@]}" --name "$name"

# The demo's network is as wide as torchvision's where none is given.
network=$root/models/demo/demo-resnet18.pt
for entry in "${checkpoints[@]}"; do
  if [[ $entry == resnet18=* ]]; then network=${entry#resnet18=}; fi
done
"${pythons[0]}" "$root/bench/scaling.py" --data-path "$data" --threads "$threads" --checkpoint "$network" --name "${name}_scaling"

"$root/scripts/build.sh" bench suite_kernels suite_networks suite_search
for suite in kernels networks search; do
  "$root/build-bench/bench/suites/suite_$suite" --benchmark_out="$root/bench/results/${name}_$suite.json" \
    --benchmark_out_format=json
done
