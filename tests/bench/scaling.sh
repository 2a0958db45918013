#!/bin/sh
# How time grows: a dump with the threads, 10 to 10,000; a report with the profile, 1 MB to 1 GB; a heap profile with the
# stacks that were sampled, 1 to 1,000,000. HUGE=1 for the largest of the latter two, which take minutes and gigabytes.
#
# Each point is a line "SERIES X MS" in the file BENCH_POINTS, which bench.html draws.
. tests/bench/common.sh

export HOME="$raw" PPROF_TMPDIR="$raw" PPROF_BINARY_PATH=/nonexistent
points=${BENCH_POINTS:-/dev/null}

# grown WHAT SERIES FIGURES: a row for a series, whose points are in $raw/SERIES; how steep its last steps are.
grown() {
    steep=$(awk '{ x[NR] = $1; y[NR] = $2 } END {
        if (NR > 1 && y[NR - 1] > 0) printf "n^%.2f at the end", log(y[NR] / y[NR - 1]) / log(x[NR] / x[NR - 1]) }' "$raw/$2")
    row "$1" "$(awk '{ printf "%s%s ms", (NR > 1 ? " > " : ""), $2 }' "$raw/$2")" - - "$steep"
    sed "s/^/$2 /" "$raw/$2" >>"$points"
}

for n in 10 100 1000 10000; do
    "$built/scaling" threads "$n" >"$raw/point" || exit 1
    echo "$n $(cut -d ' ' -f 1 "$raw/point")" >>"$raw/threads"
done
grown 'dump of 10 to 10,000 threads' threads

for mb in 1 10 100 ${HUGE:+1000}; do
    "$built/tool_profile" proto "$mb" >"$raw/profile" || exit 1
    "$built/tool_run" 3 300 profiler/pprof -symbolize=none -top -output=/dev/null "$raw/profile" >"$raw/point" || exit 1
    echo "$mb $(cut -d ' ' -f 2 "$raw/point")" >>"$raw/size"
done
grown "pprof -top of 1 to $mb MB" size

for n in 1 10 100 1000 10000 100000 ${HUGE:+1000000}; do
    CPROF_HEAP_RATE=1 "$built/scaling" stacks "$n" >"$raw/point" || exit 1
    echo "$n $(cut -d ' ' -f 1 "$raw/point")" >>"$raw/stacks"
done
grown "heap profile of 1 to $n sampled stacks" stacks
