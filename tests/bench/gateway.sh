#!/bin/sh
# What profiling costs a gateway, of its CPU time a request: measured, and added up from what each event costs.
. tests/bench/common.sh

seconds=${BENCH_SECONDS:-70}
"$built/gateway_load" "$built/gateway_cost" "$seconds" >"$raw/ours" || exit 1
field() { # field NAME N
    awk -v name="$1" -v n="$2" '$1 == name { print $n }' "$raw/ours"
}
row "$(field difference 5) pairs on and off, mean and 95% interval" \
    "$(field difference 2)% ($(field difference 3) to $(field difference 4)) of $(value request_us "$raw/ours") us a request" \
    2% "$(at_most "$(field difference 4)" 2)"
row 'events a request, times what each costs' "$(value parts "$raw/ours")%" 1% "$(at_most "$(value parts "$raw/ours")" 1)"
awk '$1 == "part" { printf "    %-10s %9.1f ns each, %8.4f a request: %.3f%%\n", $2, $3, $4, $5 }' "$raw/ours"
exit "$missed"
