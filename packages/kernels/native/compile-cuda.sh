#!/usr/bin/env bash
# compile-cuda.sh TORCH [ARCHITECTURES]: compiles the kernels for NVIDIA GPUs where there is none, and prints what each takes of a
# multiprocessor (registers, spills) as ptxas reports it. TORCH is the folder of a Python torch with CUDA, or an unpacked libtorch; nvcc is
# found in PATH or CUDACXX. ARCHITECTURES as CMake has them, "80-real;90" by default. Builds in $BUILD, by default a new temporary folder.
set -euo pipefail
torch="${1:?the folder of a torch with CUDA}"
architectures="${2:-80-real;90}"
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd -P)"
build="${BUILD:-$(mktemp -d)}"
cmake -S "$root" -B "$build" -DCMAKE_BUILD_TYPE=Release -DTorch_DIR="$torch/share/cmake/Torch" \
  -DCMAKE_CUDA_ARCHITECTURES="$architectures" -DCMAKE_CUDA_FLAGS=-Xptxas=-v >"$build.log" 2>&1 || { cat "$build.log"; exit 1; }
cat "$build/cuda-kernels.json"
grep -q '"built": true' "$build/cuda-kernels.json"
cmake --build "$build" --target adsam_kernels -j "$(nproc)" >>"$build.log" 2>&1 || { tail -40 "$build.log"; exit 1; }
grep -E "Used [0-9]+ registers|[1-9][0-9]* bytes spill" "$build.log" | sort | uniq -c
echo "whole log: $build.log"
