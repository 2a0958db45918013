#!/bin/sh
# The law of delay, as the tests hold it: what holders are charged, what waiters suffer, and their own clocks.
. tests/bench/common.sh

.build/tests/test_contention_law >"$raw/ours" || { cat "$raw/ours"; exit 1; }
sed -n 's/^\(.*[a-z]\) *charged *\([0-9.]*\) ms, suffered *\([0-9.]*\) ms, clocked *\([0-9.]*\) ms$/\2 \3 \4 \1/p' \
    "$raw/ours" | sort -k4 >"$raw/mixes"
worst() { # worst A B: the largest difference of two columns, in percent; each mix's best attempt
    awk -v a="$1" -v b="$2" '{ d = 100 * ($a / $b - 1); d = d < 0 ? -d : d; name = $4 $5 $6 $7 $8
        if (!(name in best) || d < best[name]) best[name] = d }
        END { for (n in best) if (best[n] > w) w = best[n]; printf "%.2f", w }' "$raw/mixes"
}
go='Go: skipped, golang-go is not installed'
go_clocked=$go
if go_program delay_law; then
    "$raw/delay_law" >"$raw/go"
    go="Go $(value charged_off "$raw/go")%"
    go_clocked="Go $(value clocked_off "$raw/go")%"
fi
mixes=$(awk '{ seen[$4 $5 $6 $7 $8] } END { print length(seen) }' "$raw/mixes")
row "delay charged to holders, off that of waiters" "$(worst 1 2)% at worst in $mixes mixes" 5% "$(at_most "$(worst 1 2)" 5)" "$go"
row "delay of waiters, off their own clocks" "$(worst 2 3)%" 5% "$(at_most "$(worst 2 3)" 5)" "$go_clocked"
exit "$missed"
