#!/bin/sh
# How well a CPU profile at 100 Hz knows ten functions on ten threads: equal ones, and the k-th with k/55 of the time.
. tests/bench/common.sh

# off FILE: "WORST TOTAL": the largest difference between a function's share seen and used, in points; and of all
# that was seen from what getrusage says, in percent
off() {
    awk '$1 == "used" { used[$2] = $3; all += $3 } $1 == "seen" { seen[$2] = $3; found += $3 }
        $1 == "rusage" { rusage = $2 } $1 == "total" { total = $2 }
        END { if (!found || !rusage) { print "none none"; exit }
            for (k in used) { d = 100 * (seen[k] / found - used[k] / all); d = d < 0 ? -d : d; if (d > worst) worst = d }
            d = 100 * (total / rusage - 1); printf "%.2f %.2f", worst, d < 0 ? -d : d }' "$1"
}
# seen PROFILE…: what pprof finds in a profile, as "seen K SECONDS" and "total SECONDS"
seen() {
    ./profiler/pprof -top -cum -unit=ms -nodecount=1000 -nodefraction=0 "$@" 2>/dev/null | awk '
        $2 ~ /%$/ { flat = $1; sub(/ms/, "", flat); all += flat }
        match($0, /burn_[0-9]+/) { k = substr($0, RSTART + 5, RLENGTH - 5); sub(/ms/, "", $4); print "seen", k, $4 / 1000 }
        END { print "total", all / 1000 }'
}

# with KIND SECONDS: sets worst_…, total_… of each profiler that there is; and samples
with() {
    "$built/cpu_shares" "$1" "$2" >"$raw/ours" || exit 1
    # shellcheck disable=SC2046 # two numbers
    set -- "$1" "$2" $(off "$raw/ours")
    worst=$3 total=$4 samples=$(awk '$1 == "total" { print int($2 * 100) }' "$raw/ours")
    gperftools=$(skipped gperftools libgoogle-perftools-dev) gperftools_total=$gperftools
    per_thread=$gperftools per_thread_total=$gperftools
    if peer_program gperftools tests/bench/cpu_shares.c -DPEER_GPERFTOOLS -Wl,--no-as-needed -lprofiler; then
        for timers in '' 1; do
            env ${timers:+CPUPROFILE_PER_THREAD_TIMERS=1} "$raw/gperftools" "$1" "$2" "$raw/gperftools.prof" \
                >"$raw/gperftools.txt" 2>/dev/null || exit 1
            seen "$raw/gperftools" "$raw/gperftools.prof" >>"$raw/gperftools.txt"
            # shellcheck disable=SC2046 # two numbers
            set -- "$1" "$2" $(off "$raw/gperftools.txt")
            if [ -z "$timers" ]; then
                gperftools="gperftools: $3" gperftools_total="gperftools: $4%"
            else
                per_thread="gperftools, a timer a thread: $3" per_thread_total="gperftools, a timer a thread: $4%"
            fi
        done
    fi
    go=$(skipped Go golang-go) go_total=$go
    if go_program cpu_shares; then
        "$raw/cpu_shares" "$1" "$2" "$raw/go.prof" >"$raw/go.txt" || exit 1
        seen "$raw/go.prof" >>"$raw/go.txt"
        # shellcheck disable=SC2046 # two numbers
        set -- "$1" "$2" $(off "$raw/go.txt")
        go="Go: $3" go_total="Go: $4%"
    fi
}

with equal 10
row "ten equal functions, $samples samples, worst" "$worst points off" '1 point' "$(at_most "$worst" 1)" \
    "$gperftools" "$per_thread" "$go"
with shares 33
row "k/55 each, $samples samples, worst" "$worst points off" '0.5 points' \
    "$(both "$(at_most "$worst" 0.5)" "$(at_most 3000 "$samples")")" "$gperftools" "$per_thread" "$go"
row '  all of it, off what getrusage says' "$total%" 3% "$(at_most "$total" 3)" \
    "$gperftools_total" "$per_thread_total" "$go_total"
