#!/usr/bin/env bash
# Does scripts/gpu.sh go on to its end whatever its programs say, and draw the right conclusions? The programs are
# stand-ins here.
#
#   gpu_script_test.sh SOURCE_FOLDER
set -euo pipefail

source=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$scratch"/{bin,tree/scripts,tree/.gpu/pack,wheels/nvidia/cudnn/lib}
cp "$source/scripts/gpu.sh" "$scratch/tree/scripts"

# program PATH: writes a stand-in, whose commands are on the standard input.
program() {
  { echo '#!/usr/bin/env bash' && cat; } >"$1"
  chmod +x "$1"
}

fail() {
  echo "$1" >&2
  cat "$scratch/said" >&2
  exit 1
}

# run EXIT_STATUS: gpu.sh with these programs; what it says goes to `said`.
run() {
  local status=0
  tar -C "$scratch/tree/.gpu" -czf "$scratch/tree/.gpu/backdrop.tar.xz" pack
  rm -rf "$scratch/tree/build-gpu"
  PATH=$scratch/bin:$PATH WHEELS=$scratch/wheels OUT=$scratch/out "$scratch/tree/scripts/gpu.sh" >"$scratch/said" 2>&1 ||
    status=$?
  ((status == $1)) || fail "exit status $status, and $1 was expected"
}

for tool in compute-sanitizer nvidia-smi; do program "$scratch/bin/$tool" </dev/null; done
# Counters are for administrators alone.
program "$scratch/bin/ncu" <<'END'
echo '==ERROR== ERR_NVGPUCTRPERM - The user does not have permission to access NVIDIA GPU Performance Counters'
exit 1
END
# No numpy: no benchmarks. And no xz: this unpacks.
program "$scratch/bin/python3" <<'END'
case "$*" in
  *sysconfig*) echo "$WHEELS" ;;
  '-m tarfile -e '*) exec tar -C "$5" -xzf "$4" ;;
  *) exit 1 ;;
esac
END
program "$scratch/bin/tar" <<'END'
[[ " $* " != *" -xJf "* ]] && exec /bin/tar "$@"
echo "tar (child): xz: Cannot exec: No such file or directory" >&2
exit 2
END
programs=$scratch/tree/.gpu/pack
program "$programs/backdrop" <<'END'
echo "backdrop $*, libraries $LD_LIBRARY_PATH"
if [[ $1 == demo-data ]]; then mkdir "$2"; fi
END
program "$programs/test_conformance" </dev/null

# A GPU of compute capability 8.0: what it has is tested.
program "$programs/test_cuda_kernels" <<'END'
echo '[  SKIPPED ] CudaFp8Kernels.SmallConvolutions (0 ms)'
echo '[       OK ] CudaInt8Kernels.SmallConvolutions (41 ms)'
END
run 0
grep -q 'profile: the tool cannot run here' "$scratch/said" || fail "takes counters that are not for us for a failure"
grep -q 'conformance: passed' "$scratch/said" || fail "stopped where one kind of kernels was skipped"
grep -q "libraries $scratch/wheels/nvidia/cudnn/lib" "$scratch/tree/build-gpu/logs/layers-fp16.log" || fail "wheels do not come first"

# No GPU.
program "$programs/test_cuda_kernels" <<'END'
echo 'Skipped'
echo 'CUDA: no NVIDIA driver is installed on this machine: use --device cpu'
echo '[  SKIPPED ] CudaInt8Kernels.SmallConvolutions (0 ms)'
END
run 4
grep -q 'nothing was tested: CUDA: no NVIDIA driver' "$scratch/said" || fail "does not say what is missing"

# Clusters hang or fail: the rest does without.
program "$programs/test_cuda_kernels" <<'END'
[[ $BACKDROP_TEST_GPU_WITHOUT == *clusters* || $BACKDROP_TEST_GPU_WITHOUT == *wgmma* || $* == *'=*Cudnn*' ]]
END
run 1
grep -q 'gpu-without clusters,' "$scratch/tree/build-gpu/logs/layers-fp16.log" || fail "goes on with clusters"

# So do fp32's terms, whose long sums alone are wrong.
program "$programs/test_cuda_kernels" <<'END'
[[ $BACKDROP_TEST_GPU_WITHOUT == *split* || ($* != *=-* && $* != *LongSums*) ]]
END
run 1
grep -q 'kernels-clusters: passed' "$scratch/said" || fail "does not go on without terms"
grep -q 'gpu-without split,' "$scratch/tree/build-gpu/logs/layers-fp16.log" || fail "goes on with terms"

# cuDNN's fp32 does not blame ours.
program "$programs/test_cuda_kernels" <<'END'
[[ $* != *'=*Cudnn*' && ($* != *fp32* || $* == *-*Cudnn*) ]]
END
run 1
grep -q 'gpu-without cudnn,' "$scratch/tree/build-gpu/logs/layers-fp16.log" || fail "leaves out more than cuDNN"

# One case of the engine fails with cuDNN, and another one hangs: they alone are tried again (all would take too long), and
# cuDNN is left out.
program "$programs/test_cuda_kernels" </dev/null
program "$programs/test_conformance" <<'END'
[[ $* != *=one.case/fp16:one.case/fp32 && -n $BACKDROP_TEST_GPU_WITHOUT ]] && exit 1
[[ $BACKDROP_TEST_GPU_WITHOUT == *cudnn* ]] && exit
echo '[ RUN      ] one.case/int8'
echo '[       OK ] one.case/int8 (1 ms)'
echo '[ RUN      ] one.case/fp16'
echo '[  FAILED  ] one.case/fp16, where GetParam() = 2 (1 ms)'
echo '[ RUN      ] one.case/fp32'
exit 1
END
run 1
grep -q 'gpu-without graphs,bottlenecks,cudnn,' "$scratch/tree/build-gpu/logs/layers-fp16.log" || fail "goes on with cuDNN"

# The time is up while nothing is wrong: no way is left out.
program "$programs/test_conformance" <<'END'
[[ $* == *=one.case/fp32 ]] && exit
echo '[ RUN      ] one.case/fp32'
exit 124
END
run 1
grep -q 'conformance-again: passed' "$scratch/said" || fail "did not try again what had no time left"
! grep -q 'gpu-without' "$scratch/tree/build-gpu/logs/layers-fp16.log" || fail "does without ways because the time was up"

# The engine fails, without anything too: it was none of the ways, and all are used.
echo 'exit 1' | program "$programs/test_conformance"
run 1
grep -q 'conformance-without-sums: failed' "$scratch/said" || fail "did not try without each way"
! grep -q 'gpu-without' "$scratch/tree/build-gpu/logs/layers-fp16.log" || fail "does without ways that are not to blame"

# Without a pack, a build that fails says why.
program "$scratch/bin/cmake" <<'END'
[[ $1 == --build ]] || exec mkdir -p build-gpu
echo 'FAILED: composite_cuda.cu.o'
exit 1
END
rm "$scratch/tree/.gpu/backdrop.tar.xz"
! PATH=$scratch/bin:$PATH "$scratch/tree/scripts/gpu.sh" >"$scratch/said" 2>&1 || fail "goes on without programs"
grep -q 'FAILED: composite_cuda.cu.o' "$scratch/said" || fail "does not say what failed to build"

# A data set that is named must be there.
! BACKDROP_GPU_DATA=$scratch/none "$scratch/tree/scripts/gpu.sh" >"$scratch/said" 2>&1 || fail "draws photos in place of those named"
grep -q 'none: No such file' "$scratch/said" || fail "does not say that there are no photos"
