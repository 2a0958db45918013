#!/bin/sh
# What a frame of a stack costs.
. tests/bench/common.sh

"$built/unwind_frames" >"$raw/ours" || exit 1
ns() {
    echo "$(value "$1" "$raw/ours") ns, median $(value "$1" "$raw/ours" 3) ($(value "$1" "$raw/ours" 4)-$(value "$1" "$raw/ours" 5))"
}
libunwind="libunwind: $(value libunwind "$raw/ours") ns"
[ "$libunwind" != 'libunwind:  ns' ] || libunwind=$(skipped libunwind libunwind8)
row 'walking a stack, a frame' "$(ns ours)" '40 ns' "$(at_most "$(value ours "$raw/ours")" 40)" \
    "libgcc: $(value libgcc "$raw/ours") ns" "$libunwind"
