#!/bin/sh
# The law of delay, as the tests hold it: what holders are charged, what waiters suffer, and their own clocks.
. tests/bench/common.sh

held=ok
.build/tests/test_contention_law >"$raw/ours" || held=MISSED
sed -n 's/^\(.*[a-z]\) *charged *\([0-9.]*\) ms, suffered *\([0-9.]*\) ms, clocked *\([0-9.]*\) ms$/\2 \3 \4 \1/p' \
    "$raw/ours" | sort -k4 >"$raw/mixes"
mixes=$(awk '{ seen[$4 $5 $6 $7 $8] } END { print length(seen) }' "$raw/mixes")
[ "$mixes" -gt 0 ] || { echo 'no mix was measured' && cat "$raw/ours"; exit 1; } >&2
# off A B: the largest difference of two columns over all mixes, and the median, in percent; each mix's best attempt
off() {
    awk -v a="$1" -v b="$2" '{ d = 100 * ($a / $b - 1); d = d < 0 ? -d : d; name = $4 $5 $6 $7 $8
        if (!(name in best) || d < best[name]) best[name] = d }
        END { for (name in best) printf "%.2f\n", best[name] }' "$raw/mixes" | sort -n |
        awk '{ v[NR] = $1 } END { print v[NR], v[int((NR + 1) / 2)] }'
}
go=$(skipped Go golang-go) go_clocked=$go
if go_program delay_law; then
    "$raw/delay_law" >"$raw/go" || exit 1
    go="Go: $(value charged_off "$raw/go")%, one mix" go_clocked="Go: $(value clocked_off "$raw/go")%"
fi
# shellcheck disable=SC2046 # two numbers
set -- $(off 1 2) $(off 2 3)
row "charged to holders, off that of waiters" "$1% worst of $mixes mixes, median $2%" 5% "$(both "$held" "$(at_most "$1" 5)")" "$go"
row "delay of waiters, off their own clocks" "$3% worst of $mixes mixes, median $4%" 5% "$(at_most "$3" 5)" "$go_clocked"
