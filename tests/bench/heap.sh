#!/bin/sh
# How far heap profiles are from the truth, for 64 MiB alive and 640 MiB churned in blocks of 4 KiB.
. tests/bench/common.sh

runs=30 peer_runs=5

# repeat N FILE COMMAND…: the output of N runs
repeat() {
    n=$1 to=$2
    shift 2
    : >"$to"
    while [ "$n" -gt 0 ]; do
        "$@" >>"$to" || return 1
        n=$((n - 1))
    done
}

# off NAME TRUTH FILE [mean]: the largest difference from the truth in percent, or the mean's
off() {
    awk -v name="$1" -v truth="$2" -v mean="${4-}" '$1 == name { n++; d = 100 * ($2 / truth - 1); sum += d
        d = d < 0 ? -d : d; if (d > worst) worst = d }
        END { if (!n) exit; d = mean == "" ? worst : sum / n; printf "%.1f", d < 0 ? -d : d }' "$3"
}

live=$((64 << 20)) churn=$((640 << 20))
repeat "$runs" "$raw/ours" "$built/heap_known" 524288 || exit 1
repeat 1 "$raw/exact" "$built/heap_known" 1 || exit 1
ns=$(awk '$1 == "ns" && (!best || $2 < best) { best = $2 } END { print best }' "$raw/ours")

gperftools='gperftools: skipped, libgoogle-perftools-dev is not installed'
gperftools_live=
if peer_program gperftools tests/bench/heap_known.c -DPEER_GPERFTOOLS -ltcmalloc; then
    repeat 1 "$raw/gperftools.txt" "$raw/gperftools" "$raw/heap" 2>/dev/null
    gperftools="gperftools $(off churn "$churn" "$raw/gperftools.txt")%"
    gperftools_live="gperftools $(off live "$live" "$raw/gperftools.txt")%"
    gperftools_ns="gperftools $(value ns "$raw/gperftools.txt" | sort -n | head -n 1) ns"
fi
jeprof='jeprof: skipped, libjemalloc-dev is not installed'
jeprof_live=
if have jeprof && peer_program jemalloc tests/bench/heap_known.c -DPEER_JEMALLOC -ljemalloc; then
    : >"$raw/jeprof.txt"
    "$raw/jemalloc" "$raw/dump" >/dev/null
    jeprof --text --inuse_space "$raw/jemalloc" "$raw/dump" 2>/dev/null |
        awk '$NF == "allocate_live" { printf "live %.0f\n", $1 * 1048576 }' >>"$raw/jeprof.txt"
    jeprof --text --alloc_space "$raw/jemalloc" "$raw/dump" 2>/dev/null |
        awk '$NF == "churn" { printf "churn %.0f\n", $1 * 1048576 }' >>"$raw/jeprof.txt"
    jeprof="jeprof $(off churn "$churn" "$raw/jeprof.txt")%"
    jeprof_live="jeprof $(off live "$live" "$raw/jeprof.txt")%"
fi
go='Go: skipped, golang-go is not installed'
go_live=
if go_program heap_known; then
    repeat "$peer_runs" "$raw/go.txt" "$raw/heap_known"
    go="Go $(off churn "$churn" "$raw/go.txt")%"
    go_live="Go $(off live "$live" "$raw/go.txt")%"
    go_ns="Go $(value ns "$raw/go.txt" | sort -n | head -n 1) ns"
fi

a=$(off churn "$churn" "$raw/ours") b=$(off live "$live" "$raw/ours") c=$(off live "$live" "$raw/ours" mean)
d=$(off churn "$churn" "$raw/exact") e=$(off live "$live" "$raw/exact")
exact=MISSED
[ "$d $e" != '0.0 0.0' ] || exact=ok
row "churn at the default rate, worst of $runs runs" "$a% off" 10% "$(at_most "$a" 10)" "$jeprof" "$gperftools" "$go"
row "live at the default rate, worst of $runs runs" "$b% off" 30% "$(at_most "$b" 30)" \
    ${jeprof_live:+"$jeprof_live"} ${gperftools_live:+"$gperftools_live"} ${go_live:+"$go_live"}
row "live at the default rate, mean of $runs runs" "$c% off" 5% "$(at_most "$c" 5)"
row 'churn and live at rate 1' "$d% and $e% off" exact "$exact"
row 'an allocation and its free, profiled' "$ns ns" - - ${gperftools_ns:+"$gperftools_ns"} ${go_ns:+"$go_ns"}
exit "$missed"
