#!/bin/sh
# How well a CPU profile at 100 Hz knows ten functions on ten threads, with 1/55 to 10/55 of the time.
. tests/bench/common.sh

# off FILE: the largest difference between a function's share seen and used, in points
off() {
    awk '$1 == "used" { used[$2] = $3; all += $3 } $1 == "seen" { seen[$2] = $3; found += $3 }
        END { if (!found) { print "none"; exit }
            for (k in used) { d = 100 * (seen[k] / found - used[k] / all); d = d < 0 ? -d : d; if (d > w) w = d }
            printf "%.2f", w }' "$1"
}
# total FILE: how far the sum is from the threads' clocks, in percent
total() {
    awk '$1 == "used" { all += $3 } $1 == "seen" { found += $3 }
        END { d = 100 * (found / all - 1); printf "%.2f", d < 0 ? -d : d }' "$1"
}
# seen PROFILE…: what pprof finds in a profile, as "seen K SECONDS"
seen() {
    ./profiler/pprof -top -cum -unit=ms -nodecount=1000 "$@" 2>/dev/null |
        sed -n 's/^.* \([0-9.]*\)ms *[0-9.]*% .*burn_\([0-9]*\).*$/\2 \1/p' | awk '{ printf "seen %d %.4f\n", $1, $2 / 1000 }'
}

"$built/cpu_shares" >"$raw/ours" || exit 1
gperftools='gperftools: skipped, libgoogle-perftools-dev is not installed'
gperftools_total=
if peer_program gperftools tests/bench/cpu_shares.c -DPEER_GPERFTOOLS -Wl,--no-as-needed -lprofiler; then
    "$raw/gperftools" "$raw/gperftools.prof" >"$raw/gperftools.txt" 2>/dev/null
    seen "$raw/gperftools" "$raw/gperftools.prof" >>"$raw/gperftools.txt"
    gperftools="gperftools $(off "$raw/gperftools.txt")"
    gperftools_total="gperftools $(total "$raw/gperftools.txt")%"
fi
go='Go: skipped, golang-go is not installed'
go_total=
if go_program cpu_shares; then
    "$raw/cpu_shares" "$raw/go.prof" >"$raw/go.txt"
    seen "$raw/go.prof" >>"$raw/go.txt"
    go="Go $(off "$raw/go.txt")"
    go_total="Go $(total "$raw/go.txt")%"
fi
row 'a function'"'"'s share of CPU time, worst of ten' "$(off "$raw/ours") points off" '1 point' \
    "$(at_most "$(off "$raw/ours")" 1)" "$gperftools" "$go"
row 'all CPU time, off the threads'"'"' own clocks' "$(total "$raw/ours")%" 3% "$(at_most "$(total "$raw/ours")" 3)" \
    ${gperftools_total:+"$gperftools_total"} ${go_total:+"$go_total"}
exit "$missed"
