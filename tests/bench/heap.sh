#!/bin/sh
# How far heap profiles are from the truth, for 64 MiB alive and 640 MiB churned in blocks of 4 KiB.
. tests/bench/common.sh

runs=30 go_runs=10 block=4096 rate=524288 allowed=30
live=$((64 << 20)) churn=$((640 << 20))

# repeat N FILE COMMAND…: the output of N runs
repeat() {
    n=$1 to=$2
    shift 2
    : >"$to"
    while [ "$n" -gt 0 ]; do
        "$@" >>"$to" || exit 1
        n=$((n - 1))
    done
}

# off NAME TRUTH FILE: of all runs, "WORST DEVIATION MEAN", the second from the truth and the third without its
# sign, in percent
off() {
    awk -v name="$1" -v truth="$2" '$1 == name { n++; d = 100 * ($2 / truth - 1); sum += d; squares += d * d
        d = d < 0 ? -d : d; if (d > worst) worst = d }
        END { if (!n) exit; d = sum / n; printf "%.2f %.2f %.2f", worst, sqrt(squares / n), d < 0 ? -d : d }' "$3"
}

# By the binomial law, "SIGMA N": what one run deviates, in percent, and that it is off by more than the bar once in N.
chance() {
    awk -v n=$((live / block)) -v p="$(awk "BEGIN { print 1 - exp(-$block / $rate) }")" -v bar="$allowed" 'BEGIN {
        mean = n * p; at = exp(n * log(1 - p))
        for (k = 0; k <= 3 * mean; k++) {
            if (k / mean < 1 - bar / 100 || k / mean > 1 + bar / 100) out += at
            at *= (n - k) / (k + 1) * p / (1 - p)
        }
        printf "%.1f %d", 100 * sqrt((1 - p) / mean), 1 / out }'
}

repeat "$runs" "$raw/ours" "$built/heap_known" "$rate"
repeat 1 "$raw/exact" "$built/heap_known" 1
ns=$(awk '$1 == "ns" { print $2 }' "$raw/ours" | sort -n | awk '{ v[NR] = $1 } END { print v[1] " ns, median " v[int((NR + 1) / 2)] }')

gperftools_churn=$(skipped gperftools libgoogle-perftools-dev) gperftools_live=$gperftools_churn gperftools_ns=$gperftools_churn
if peer_program gperftools tests/bench/heap_known.c -DPEER_GPERFTOOLS -ltcmalloc; then
    repeat 1 "$raw/gperftools.txt" "$raw/gperftools" "$raw/heap" 2>/dev/null
    # shellcheck disable=SC2046 # three numbers each
    set -- $(off churn "$churn" "$raw/gperftools.txt") $(off live "$live" "$raw/gperftools.txt")
    gperftools_churn="gperftools: $1%, it counts all" gperftools_live="gperftools: $4%"
    gperftools_ns="gperftools: $(value ns "$raw/gperftools.txt") ns"
fi
jeprof_churn=$(skipped jeprof libjemalloc-dev) jeprof_live=$jeprof_churn
if have jeprof && peer_program jemalloc tests/bench/heap_known.c -DPEER_JEMALLOC -ljemalloc; then
    "$raw/jemalloc" "$raw/dump" >/dev/null || exit 1
    jeprof --text --inuse_space "$raw/jemalloc" "$raw/dump" 2>/dev/null |
        awk '$NF == "allocate_live" { printf "live %.0f\n", $1 * 1048576 }' >"$raw/jeprof.txt"
    jeprof --text --alloc_space "$raw/jemalloc" "$raw/dump" 2>/dev/null |
        awk '$NF == "churn" { printf "churn %.0f\n", $1 * 1048576 }' >>"$raw/jeprof.txt"
    # shellcheck disable=SC2046 # three numbers each
    set -- $(off churn "$churn" "$raw/jeprof.txt") $(off live "$live" "$raw/jeprof.txt")
    jeprof_churn="jeprof: ${1:-nothing}%, one run" jeprof_live="jeprof: ${4:-nothing}%, one run"
fi
go_churn=$(skipped Go golang-go) go_live=$go_churn go_mean=$go_churn go_ns=$go_churn
if go_program heap_known; then
    repeat "$go_runs" "$raw/go.txt" "$raw/heap_known"
    # shellcheck disable=SC2046 # three numbers each
    set -- $(off churn "$churn" "$raw/go.txt") $(off live "$live" "$raw/go.txt")
    go_churn="Go: $1%, worst of $go_runs" go_live="Go: $4%, sigma $5%" go_mean="Go: $6%, mean of $go_runs"
    go_ns="Go: $(awk '$1 == "ns" { print $2 }' "$raw/go.txt" | sort -n | head -n 1) ns"
fi

# shellcheck disable=SC2046 # three numbers each, and two
set -- $(off churn "$churn" "$raw/ours") $(off live "$live" "$raw/ours") $(off churn "$churn" "$raw/exact") \
    $(off live "$live" "$raw/exact") $(chance)
row "churn at the default rate, worst of $runs" "$1% off, sigma $2%" 10% "$(at_most "$1" 10)" \
    "$jeprof_churn" "$gperftools_churn" "$go_churn"
row "live at the default rate, worst of $runs" "$4% off, sigma $5%" "$allowed%" "$(at_most "$4" "$allowed")" \
    "$jeprof_live" "$gperftools_live" "$go_live"
row "  sampling alone makes one run miss" "once in ${14}: sigma ${13}%" - -
row "live at the default rate, mean of $runs" "$6% off" 5% "$(at_most "$6" 5)" "$go_mean"
row 'churn and live at rate 1' "$7% and ${10}% off" exact "$(both "$(at_most "$7" 0)" "$(at_most "${10}" 0)")"
row 'an allocation and its free, profiled' "$ns" - - "$gperftools_ns" "$go_ns"
