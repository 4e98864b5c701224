#!/usr/bin/env bash
# Backdrop in a minute: builds it, draws a small data set, and runs the challenge and the evaluation on a small network.
#
#   scripts/demo.sh          results in build/demo/results; open its report.html in a browser
set -euo pipefail
CDPATH='' cd "$(dirname "$0")/.."

scripts/setup.sh
scripts/build.sh release backdrop_cli

demo=build/demo
model=(--arch resnet18 --checkpoint models/demo/demo-resnet18.pt --in9)

# show COMMAND...: prints a command line, then runs it.
show() {
  printf '\n$ %s\n' "$*"
  "$@"
}

rm -rf "$demo"
mkdir -p "$demo"
show build/backdrop demo-data "$demo/data"
show build/backdrop challenge "${model[@]}" --data-path "$demo/data" --mode all --out "$demo/results"
show build/backdrop eval "${model[@]}" --data-path "$demo/data" --eval-dataset all --challenge "$demo/results" \
  --out "$demo/results" | tee "$demo/evaluation.txt"
show build/backdrop report "$demo/results"

# The rows of the published tables (https://github.com/MadryLab/backgrounds_challenge).
percentage() { awk -v name="$1" 'index($0, name) == 1 { print $NF }' "$demo/evaluation.txt"; }
cat <<EOF

| Model          | Challenge Accuracy | Original | Mixed-Same | Mixed-Rand | BG-Gap |
|----------------|--------------------|----------|------------|------------|--------|
EOF
printf '| demo ResNet-18 | %-18s | %-8s | %-10s | %-10s | %-6s |\n' "$(percentage "Challenge accuracy")" \
  "$(percentage Original)" "$(percentage Mixed-Same)" "$(percentage Mixed-Rand)" "$(percentage BG-Gap)"
cat <<EOF

Drawn data and a small network trained on it: these figures show that everything works and say nothing about photos.
The report: $PWD/$demo/results/report.html
EOF
