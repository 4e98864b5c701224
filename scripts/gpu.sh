#!/usr/bin/env bash
# Everything that a machine with a GPU can say about the GPU engine, in one command and without a network.
#
#   scripts/gpu.sh --pack    on a machine with CUDA's compiler: builds, and packs the programs with the libraries they
#                            need into .gpu/backdrop.tar.xz, to be carried to the GPU with this tree
#   scripts/gpu.sh           on the GPU: unpacks that (or builds here, if there is no pack), then tests, sanitizers,
#                            benchmarks against PyTorch, and a profile; quick things first
#
# Results go to $OUT (default: build-gpu/results): gpu.json, with the table printed last, and one log for each step.
# Every step runs even if one before it failed; the exit status says whether all tests passed. Needs glibc 2.36 or later.
set -euo pipefail
cd "$(dirname "$0")/.."

pack=.gpu/backdrop.tar.xz
tests=(test_cuda_kernels test_conformance)

build() {
  cmake -S . -B build-gpu -G Ninja -DBACKDROP_CUDA=ON -DCMAKE_BUILD_TYPE=Release >build-gpu.log
  cmake --build build-gpu --target backdrop_cli "${tests[@]}" -j "$(nproc)" >>build-gpu.log
  rm -f build-gpu.log
}

# The programs and, of the libraries they load, those that are not part of every Linux system.
pack_programs() {
  local folder=.gpu/pack library
  rm -rf .gpu
  mkdir -p "$folder/lib"
  printf '*\n' >.gpu/.gitignore
  cp build-gpu/backdrop build-gpu/tests/conformance/test_cuda_kernels build-gpu/tests/conformance/test_conformance "$folder"
  strip "$folder"/backdrop "$folder"/test_*
  ldd "$folder"/backdrop "$folder"/test_* | awk '$2 == "=>" && $3 ~ /^\// { print $3 }' | sort -u | while read -r library; do
    case ${library##*/} in
      libc.so* | libm.so* | libpthread.so* | libdl.so* | librt.so* | ld-linux*) ;;
      *) cp -L "$library" "$folder/lib" ;;
    esac
  done
  tar -C .gpu -cJf "$pack" pack
  rm -rf "$folder"
  du -h "$pack"
}

if [[ ${1:-} == --pack ]]; then
  build
  pack_programs
  exit
fi

if [[ -f $pack ]]; then
  mkdir -p build-gpu
  tar -C build-gpu -xJf "$pack"
  programs=$PWD/build-gpu/pack
  export LD_LIBRARY_PATH=$programs/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
else
  build
  programs=$PWD/build-gpu/programs
  mkdir -p "$programs"
  cp build-gpu/backdrop build-gpu/tests/conformance/test_* "$programs"
fi
# cuDNN lies in a folder of the system, beside the toolkit, or in a Python wheel.
wheels=$(python3 -c "import sysconfig; print(sysconfig.get_path('purelib'))" 2>/dev/null || true)
for folder in /usr/local/cuda/lib64 "$wheels"/nvidia/*/lib; do
  [[ -d $folder ]] && export LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$folder
done

out=${OUT:-$PWD/build-gpu/results}
mkdir -p "$out"
failed=()

# step NAME SECONDS COMMAND...: runs it within the time, with its output in NAME.log, and says how it ended.
step() {
  local name=$1 limit=$2 status=0
  shift 2
  timeout "$limit" "$@" >"$out/$name.log" 2>&1 || status=$?
  if ((status == 0)); then
    echo "$name: passed"
  else
    echo "$name: failed, exit status $status"
    tail -n 15 "$out/$name.log"
    failed+=("$name")
  fi
}

nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader || true
"$programs/backdrop" --version
step kernels 120 "$programs/test_cuda_kernels"
step conformance 200 "$programs/test_conformance" --gtest_filter='*cuda*'
grep -h "SKIPPED" "$out/kernels.log" "$out/conformance.log" | tail -n 3 || true

if command -v compute-sanitizer >/dev/null; then
  for tool in memcheck racecheck initcheck; do
    step "sanitizer-$tool" 90 compute-sanitizer --tool "$tool" --error-exitcode 9 "$programs/test_cuda_kernels" \
      --gtest_filter='*Small*'
  done
else
  echo "compute-sanitizer: not here"
fi

data=build-gpu/data
[[ -d $data ]] || "$programs/backdrop" demo-data "$data" --images-per-class "${BACKDROP_GPU_IMAGES:-40}" >/dev/null
if command -v ncu >/dev/null; then
  step profile 120 ncu --clock-control none --set full --kernel-name regex:position --launch-skip 200 --launch-count 20 \
    "$programs/backdrop" challenge --arch resnet18 --checkpoint models/demo/demo-resnet18.pt --in9 --data-path "$data" \
    --device cuda --precision fp16 --mode all --quiet
fi

if python3 -c 'import numpy' 2>/dev/null; then
  timeout "${BACKDROP_GPU_SECONDS:-240}" python3 bench/peers/gpu_compare.py --backdrop "$programs/backdrop" \
    --data-path "$data" --out "$out/gpu.json" || failed+=(benchmarks)
else
  echo "benchmarks: python3 with numpy is not here"
fi

if ((${#failed[@]})); then
  echo "failed: ${failed[*]}"
  exit 1
fi
