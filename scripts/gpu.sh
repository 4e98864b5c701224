#!/usr/bin/env bash
# Everything that a machine with a GPU can say about the GPU engine, in one command and without a network.
#
#   scripts/gpu.sh --pack    on a machine with CUDA's compiler: builds, and packs the programs with the libraries they
#                            need into .gpu/backdrop.tar.xz, to be carried to the GPU with this tree
#   scripts/gpu.sh           on the GPU: unpacks that (or builds here, if there is no pack), then tests, sanitizers,
#                            a profile, and benchmarks against PyTorch; quick things first; within ten minutes
#   scripts/gpu.sh --benchmarks   only the benchmarks, with all of the time (torch.compile takes minutes)
#
# A way to compute whose tests fail or hang is named, and the rest goes on without it (--gpu-without). Photos are drawn, or
# those of the IN-9 tree that $BACKDROP_GPU_DATA names. $BACKDROP_GPU_SECONDS is how long the benchmarks may take.
#
# Results go to $OUT (default: build-gpu/results): gpu.json, with the table printed last, layers.txt, and logs.tar.gz, the steps'
# logs, which lie in build-gpu/logs.
# Every step runs even if one before it failed; the exit status says whether all tests passed. Packed programs need glibc 2.36
# and the libstdc++ of GCC 12, or later ones.
set -euo pipefail
[[ -z ${OUT:-} ]] || OUT=$(realpath -m -- "$OUT")
[[ -z ${BACKDROP_GPU_DATA:-} ]] || BACKDROP_GPU_DATA=$(realpath -e -- "$BACKDROP_GPU_DATA")
CDPATH='' cd "$(dirname "$0")/.."
trap 'exit 130' INT  # programs under timeout do not hear of it

# The toolkit's own programs, compute-sanitizer and ncu, need not be on the path.
PATH=$PATH:/usr/local/cuda/bin
pack=.gpu/backdrop.tar.xz
tests=(test_cuda_kernels test_conformance)

build() {
  # Programs find the libraries packed with them by themselves: LD_LIBRARY_PATH would give them to python3 too.
  local options=(-DCMAKE_BUILD_RPATH='$ORIGIN/lib' -DCMAKE_EXE_LINKER_FLAGS=-Wl,--disable-new-dtags)
  if command -v ccache >/dev/null; then
    options+=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  fi
  # In a copied or moved tree.
  [[ $(sed -n 's/^CMAKE_HOME_DIRECTORY:INTERNAL=//p' build-gpu/CMakeCache.txt 2>/dev/null) -ef . ]] || options+=(--fresh)
  cmake -S . -B build-gpu -G Ninja -DBACKDROP_CUDA=ON -DCMAKE_BUILD_TYPE=Release "${options[@]}" >/dev/null
  cmake --build build-gpu --target backdrop_cli "${tests[@]}" -j "$(nproc)" >build-gpu/build.log || {
    tail -n 40 build-gpu/build.log >&2
    exit 1
  }
}

# A sum over what the programs are made from.
sources() {
  find CMakeLists.txt api cli cmake core engine include kernels loaders models report search tests -type f ! -name '*.pyc' \
    -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum
}

# The programs and, of the libraries they load, those that are not part of every Linux system.
pack_programs() {
  local folder=.gpu/pack library
  rm -rf .gpu
  mkdir -p "$folder/lib"
  printf '*\n' >.gpu/.gitignore
  sources >"$folder/sources"
  cp build-gpu/backdrop build-gpu/tests/conformance/test_cuda_kernels build-gpu/tests/conformance/test_conformance "$folder"
  strip "$folder"/backdrop "$folder"/test_*
  ldd "$folder"/backdrop "$folder"/test_* | awk '$2 == "=>" && $3 ~ /^\// { print $3 }' | sort -u | while read -r library; do
    case ${library##*/} in
      libc.so* | libm.so* | libpthread.so* | libdl.so* | librt.so* | ld-linux* | libstdc++.so* | libgcc_s.so*) ;;
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

only_benchmarks=0
case ${1:-} in
  '') ;;
  --benchmarks) only_benchmarks=1 ;;
  *) echo "gpu.sh: unknown option $1 (--pack, --benchmarks)" >&2; exit 2 ;;
esac

if [[ -f $pack ]]; then
  mkdir -p build-gpu
  # Not every machine has xz.
  tar -C build-gpu -xJf "$pack" 2>/dev/null || python3 -m tarfile -e "$pack" build-gpu
  programs=$PWD/build-gpu/pack
  [[ $(sources) == $(cat "$programs/sources" 2>/dev/null) ]] ||
    echo "gpu.sh: $pack was made from other sources than these: scripts/gpu.sh --pack makes it anew" >&2
else
  build
  programs=$PWD/build-gpu/programs
  mkdir -p "$programs"
  cp build-gpu/backdrop build-gpu/tests/conformance/test_* "$programs"
fi
# cuDNN lies in a folder of the system, beside the toolkit, or in a Python wheel. Wheels come first: PyTorch is given these
# folders too, and needs the libraries that it was made with.
wheels=$(python3 -c "import sysconfig; print(sysconfig.get_path('purelib'))" 2>/dev/null || true)
for folder in "$wheels"/nvidia/*/lib /usr/local/cuda/lib64; do
  [[ -d $folder ]] && export LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$folder
done

out=${OUT:-$PWD/build-gpu/results}
logs=$PWD/build-gpu/logs
mkdir -p "$out" "$logs"
failed=()

# step NAME SECONDS COMMAND...: runs it within the time, with its output in NAME.log, says how it ended, and returns that. Logs
# are packed after each, as whoever lent the GPU may end all of this.
step() {
  local name=$1 limit=$2 status=0
  shift 2
  timeout -k 5 "$limit" "$@" >"$logs/$name.log" 2>&1 || status=$?
  tar -C build-gpu -czf "$out/logs.tar.gz" logs
  if ((status == 0)); then
    echo "$name: passed"
  elif grep -q -e "Device not supported" -e LibraryNotLoaded -e ERR_NVGPUCTRPERM "$logs/$name.log"; then
    echo "$name: the tool cannot run here (a virtual machine may not show it the device, nor everyone its counters)"
    status=0
  else
    echo "$name: failed, exit status $status"
    tail -n 15 "$logs/$name.log"
    failed+=("$name")
  fi
  return $status
}

# do_without WAY,...: what comes next does without these ways to compute; '' is none.
do_without() {
  export BACKDROP_TEST_GPU_WITHOUT=$1
  options=(${1:+--gpu-without "$1"})
}

# list_failed: of a test program's output, as a filter, what failed and what did not end.
list_failed() {
  awk '$2 == "RUN" { running = $4 }
       $2 == "OK" { running = "" }
       $2 == "FAILED" && $4 ~ /[.]/ { sub(/,$/, "", $4); if (!seen[$4]++) print $4; running = "" }
       END { if (running != "") print running }' | paste -sd:
}

nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader 2>/dev/null || true
"$programs/backdrop" --version
run_tests() {
  local ours=--gtest_filter='-*Cudnn*:CudaHalfSums*'
  step kernels-mma 60 env BACKDROP_TEST_GPU_WITHOUT=wgmma,split "$programs/test_cuda_kernels" "$ours" || true
  # Of an older GPU only what it lacks is skipped.
  local reason
  if reason=$(grep -m 1 'CUDA: ' "$logs/kernels-mma.log"); then
    echo "nothing was tested: $reason"
    exit 4
  fi
  local kernels=''
  step kernels-split 30 env BACKDROP_TEST_GPU_WITHOUT=clusters "$programs/test_cuda_kernels" \
    --gtest_filter='*/fp32:CudaLongSums*-*Cudnn*' || kernels=split
  local and=${kernels:+$kernels,}
  if ! step kernels-wgmma 40 env BACKDROP_TEST_GPU_WITHOUT=split,clusters "$programs/test_cuda_kernels" "$ours"; then
    kernels=${and}wgmma
  elif ! step kernels-clusters 40 env BACKDROP_TEST_GPU_WITHOUT=split "$programs/test_cuda_kernels" "$ours"; then
    kernels=${and}clusters
  fi
  step kernels-sums 20 env "BACKDROP_TEST_GPU_WITHOUT=$kernels" "$programs/test_cuda_kernels" --gtest_filter='CudaHalfSums*' ||
    kernels+=${kernels:+,}sums
  step kernels-cudnn 60 "$programs/test_cuda_kernels" --gtest_filter='*Cudnn*' || kernels+=${kernels:+,}cudnn
  do_without "$kernels"
  # The engine; where it fails, what failed again with less and less beside its kernels. If that is no help, it was none of
  # these. Where the time was up, whatever ran then may only have come late: alone it ends, unless it hung.
  local less=$kernels way status=0 again
  step conformance 120 "$programs/test_conformance" --gtest_filter='*cuda*' || status=$?
  again=$(list_failed <"$logs/conformance.log")
  if ((status == 124 || status == 137)); then
    status=0
    step conformance-again 50 "$programs/test_conformance" --gtest_filter="${again:-*cuda*}" || status=$?
  fi
  if ((status)); then
    for way in graphs bottlenecks cudnn second sums; do
      less+=${less:+,}$way
      do_without "$less"
      step "conformance-without-$way" 50 "$programs/test_conformance" --gtest_filter="${again:-*cuda*}" && break
      [[ $way != sums ]] || do_without "$kernels"
    done
  fi
  printf '%s\n' "$BACKDROP_TEST_GPU_WITHOUT" >build-gpu/found-without

  if command -v compute-sanitizer >/dev/null; then
    for tool in memcheck racecheck initcheck; do
      step "sanitizer-$tool" 40 compute-sanitizer --tool "$tool" --error-exitcode 9 "$programs/test_cuda_kernels" \
        --gtest_filter='*Small*' || true
    done
  else
    echo "compute-sanitizer: not here"
  fi
}

do_without ''
if ((!only_benchmarks)); then
  run_tests
elif [[ -f build-gpu/found-without ]]; then
  do_without "$(<build-gpu/found-without)"
fi
data=${BACKDROP_GPU_DATA:-build-gpu/data}
if [[ ! -d $data ]]; then
  rm -rf "$data.partial"
  "$programs/backdrop" demo-data "$data.partial" --images-per-class 40 >/dev/null
  mv "$data.partial" "$data"
fi
if ((!only_benchmarks)); then
  for precision in fp16 int8; do
    step "layers-$precision" 30 "$programs/backdrop" profile --arch resnet18 --checkpoint models/demo/demo-resnet18.pt --in9 \
      --data-path "$data" --device cuda --precision "$precision" --backgrounds 128 --quiet "${options[@]}" || true
  done
fi
if ((!only_benchmarks)) && (($(nvidia-smi -L 2>/dev/null | wc -l) > 1)); then
  runs=build-gpu/several-gpus
  for device in cuda:0 cuda:all; do
    step "${device/:/-}" 30 "$programs/backdrop" challenge --arch resnet18 --checkpoint models/demo/demo-resnet18.pt --in9 \
      --data-path "$data" --device "$device" --precision fp16 --mode all --out "$runs/$device" --force --quiet "${options[@]}" || true
  done
  step same-answers 5 cmp "$runs/cuda:0/predictions.npy" "$runs/cuda:all/predictions.npy" || true
fi
if ((!only_benchmarks)) && command -v ncu >/dev/null; then
  step profile 50 ncu --clock-control none --set full --kernel-name regex:convolution --launch-skip 200 --launch-count 20 \
    "$programs/backdrop" challenge --arch resnet18 --checkpoint models/demo/demo-resnet18.pt --in9 --data-path "$data" \
    --device cuda --precision fp16 --mode all --quiet "${options[@]}" || true
fi

if python3 -c 'import numpy, PIL, torch, torchvision' 2>/dev/null; then
  # What is left of ten minutes, and at least one.
  seconds=${BACKDROP_GPU_SECONDS:-$((SECONDS < 520 ? 580 - SECONDS : 60))}
  python3 bench/peers/gpu_compare.py --backdrop "$programs/backdrop" --data-path "$data" --foregrounds 18 --backgrounds 2016 \
    --seconds "$seconds" --out "$out/gpu.json" "${options[@]}" || failed+=(benchmarks)
else
  echo "benchmarks: python3 with numpy, PIL and PyTorch is not here"
fi

if ((${#failed[@]})); then
  echo "failed: ${failed[*]}"
  exit 1
fi
