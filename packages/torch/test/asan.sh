#!/usr/bin/env bash
# The tests of packages/torch over an addon built with AddressSanitizer and UndefinedBehaviorSanitizer (GCC or Clang, Linux).
#
#   packages/torch/test/asan.sh [TEST …]      such as io-fuzz-files io-hostile threads; without names: all of them, in about four minutes
#
# It builds the addon into build/native/asan (minutes, once; nothing of the ordinary build is touched) and loads the sanitizer's library
# before Node's own, since neither Node nor libtorch were built with it. Reads and writes past a tensor's memory are then noticed in the
# addon's code, and in memcpy and its kin wherever libtorch calls them; inside libtorch's own loops they are not. Mapped files end
# where their last page ends: for a file of 100 bytes the 3 996 behind it read as zeros. What is not freed is not reported: Node frees
# little when it ends. ADSAM_FUZZ multiplies the number of mutated files.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd -P)"
build="$root/build/native/asan"
compiler="${CXX:-c++}"
ordinary="$root/build/native/current.json"
[ -f "$ordinary" ] || { echo "asan.sh: no $ordinary; run ./adsam doctor first, which builds the ordinary addon" >&2; exit 1; }
field() { node -p 'JSON.parse(require("fs").readFileSync(process.argv[1], "utf8"))'"$1" "$ordinary"; }

flags="-fsanitize=address,undefined -fno-sanitize=vptr -fno-omit-frame-pointer -g1 -O1"
cmake -S "$root" -B "$build" -DCMAKE_BUILD_TYPE=None -DCMAKE_CXX_FLAGS="$flags" -DCMAKE_PREFIX_PATH="$(field .libtorch.dir)" >/dev/null
cmake --build "$build" --target adsam_torch -j "${ADSAM_JOBS:-$(nproc)}"

node -e '
  const build = JSON.parse(require("fs").readFileSync(process.argv[1], "utf8"));
  console.log(JSON.stringify({ ...build, hash: "asan", addon: `${process.argv[2]}/adsam_torch.node` }));
' "$ordinary" "$build" >"$build/current.json"

cd "$root"
npx tsc -b packages/torch
tests=("$@")
if [ ${#tests[@]} -eq 0 ]; then
  for file in packages/torch/dist/test/*.test.js; do tests+=("$(basename "$file" .test.js)"); done
fi

export ADSAM_NATIVE="$build/current.json"
export ADSAM_ALLOCATOR=system # so that it sees each tensor for itself
export LD_PRELOAD="$("$compiler" -print-file-name=libasan.so):$("$compiler" -print-file-name=libubsan.so)"
# V8 and libtorch come with handlers and pools of their own: only the addon is judged.
export ASAN_OPTIONS="detect_leaks=0:handle_segv=1:allow_user_segv_handler=1:detect_odr_violation=0:halt_on_error=1:abort_on_error=0:exitcode=99"
export UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1"
failed=0
for name in "${tests[@]}"; do
  echo "== $name under AddressSanitizer"
  node "packages/torch/dist/test/$name.test.js" || failed=1
done
exit $failed
