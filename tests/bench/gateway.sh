#!/bin/sh
# What profiling costs a gateway, of its CPU time a request: measured, and added up from what each event costs.
. tests/bench/common.sh

seconds=${BENCH_SECONDS:-70}
"$built/gateway_load" "$built/gateway_cost" "$seconds" >"$raw/ours" || exit 1
mean=$(value difference "$raw/ours") low=$(value difference "$raw/ours" 3) high=$(value difference "$raw/ours" 4)
row "all profiles on, of $(value request_us "$raw/ours") us CPU a request" \
    "$mean%, 95% in $low to $high, $(value difference "$raw/ours" 5) pairs" 2% "$(at_most "$high" 2)"
row '  events a request, times what each costs' "$(value parts "$raw/ours")%" 1% "$(at_most "$(value parts "$raw/ours")" 1)"
awk '$1 == "part" { printf "    %-10s %9.1f ns each, %8.4f a request: %.3f%%\n", $2, $3, $4, $5 }' "$raw/ours"
