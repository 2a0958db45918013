#!/bin/sh
# What a frame of a stack costs.
. tests/bench/common.sh

"$built/unwind_frames" >"$raw/ours" || exit 1
ours=$(value ours "$raw/ours") other=$(value libunwind "$raw/ours")
libunwind="libunwind: skipped, libunwind8 is not installed"
[ -z "$other" ] || libunwind="libunwind $other ns"
row 'walking a stack, a frame' "$ours ns" '40 ns' "$(at_most "$ours" 40)" "libgcc $(value libgcc "$raw/ours") ns" \
    "$libunwind"
exit "$missed"
