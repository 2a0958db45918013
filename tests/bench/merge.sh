#!/bin/sh
# What merging 1,000 profiles of one program takes, beside merging 10 of them, and beside `go tool pprof`: medians.
#
#   merge.sh   MANY=1000  FEW=10  LIMIT_S=60  RUNS=3
# shellcheck source=tests/bench/common.sh
. tests/bench/common.sh

many=${MANY:-1000} few=${FEW:-10} limit=${LIMIT_S:-60} runs=${RUNS:-3}
export HOME="$raw" PPROF_TMPDIR="$raw" PPROF_BINARY_PATH=/nonexistent
go=$(go env GOTOOLDIR 2>/dev/null)/pprof

# sources N: as many files, of ten that differ in their values.
sources() {
    awk -v n="$1" -v dir="$raw" 'BEGIN { for (i = 0; i < n; i++) print dir "/variant" i % 10 }'
}

# measure TOOL N: cpu_ms, wall_ms and peak_kb, and over if it took too long.
measure() {
    # shellcheck disable=SC2046 # names without blanks
    "$built/tool_run" "$runs" "$limit" "$1" -symbolize=none -top -output=/dev/null $(sources "$2") || exit 1
}

for n in 0 1 2 3 4 5 6 7 8 9; do
    "$built/../make_profile" "variant$n" >"$raw/variant$n" || exit 1
done
measure profiler/pprof "$few" >"$raw/few"
measure profiler/pprof "$many" >"$raw/many"
read -r cpu _ few_peak _ <"$raw/few"
read -r many_cpu wall peak over <"$raw/many"
times=$(awk -v a="$peak" -v b="$few_peak" 'BEGIN { printf "%.1f", a / b }')
if [ -x "$go" ]; then
    measure "$go" "$many" >"$raw/go"
    read -r go_cpu go_wall go_peak go_over <"$raw/go"
    peer="Go ${go_over:+at least }$go_cpu ms, $go_wall ms wall, $((go_peak / 1024)) MB"
else
    peer='Go: skipped, no golang-go'
fi
row "$many profiles merged, -top" "$many_cpu ms CPU, $wall ms wall${over:+ ($over)}" - - "$peer" "$few: $cpu ms"
row "$many profiles merged, peak" "$((peak / 1024)) MB" "<= 2x of $few" "$(at_most "$times" 2)" "$few: $((few_peak / 1024)) MB: ${times}x"
