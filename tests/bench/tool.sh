#!/bin/sh
# What the tool takes for a report, beside `go tool pprof` and jeprof: CPU time (user and system), wall time and peak
# memory of the whole process, medians.
#
#   tool.sh [PROFILE…]     beside the profile of MB million bytes that is made here: these
#   MB=100  LIMIT_S=20  RUNS=3
#
# A report that takes longer than LIMIT_S is ended, and counts as what it took until then: "at least", and a bar that this
# does not reach is "not known".
# shellcheck source=tests/bench/common.sh
. tests/bench/common.sh

mb=${MB:-100} limit=${LIMIT_S:-20} runs=${RUNS:-3}
export HOME="$raw" PPROF_TMPDIR="$raw" PPROF_BINARY_PATH=/nonexistent
pprof=profiler/pprof
go=$(go env GOTOOLDIR 2>/dev/null)/pprof

# ratio GO OURS
ratio() {
    awk -v a="$1" -v b="$2" 'BEGIN { printf "%.1f", (b > 0 ? a / b : 0) }'
}

# report WHAT FILE REPORT FASTER: a row for time, which must be FASTER times less, and one for memory, a third.
report() {
    "$built/tool_run" "$runs" "$limit" "$pprof" -symbolize=none "$3" -output=/dev/null "$2" >"$raw/ours.run" || exit 1
    read -r cpu wall peak over <"$raw/ours.run"
    mine="$cpu ms CPU, $wall ms wall${over:+ ($over)}"
    if [ ! -x "$go" ]; then
        row "$1 $3" "$mine, $((peak / 1024)) MB" - - 'Go: skipped, no golang-go'
        return
    fi
    "$built/tool_run" "$runs" "$limit" "$go" -symbolize=none "$3" -output=/dev/null "$2" >"$raw/go.run" || exit 1
    read -r go_cpu go_wall go_peak go_over <"$raw/go.run"
    least=${go_over:+at least }
    faster=$(ratio "$go_cpu" "$cpu") smaller=$(ratio "$go_peak" "$peak")
    verdict=$(at_least "$faster" "$4")
    [ -z "$go_over" ] || [ "$verdict" = ok ] || verdict='not known'
    row "$1 $3" "$mine" ">= $4x" "$verdict" "Go $least$go_cpu ms, $go_wall ms wall: ${faster}x"
    row "$1 $3, peak" "$((peak / 1024)) MB" '>= 3x' "$(at_least "$smaller" 3)" "Go $least$((go_peak / 1024)) MB: ${smaller}x"
}

# at_least VALUE BAR: ok or MISSED.
at_least() {
    at_most "-$1" "-$2"
}

# reports WHAT FILE
reports() {
    for format in -top -tree -peek=. -traces -dot; do
        report "$1" "$2" "$format" 10
    done
    report "$1" "$2" -raw 5
    report "$1" "$2" -proto 3
}

# What jemalloc's own tool takes for its dump; it wants a binary, so it gets one that has none of the functions.
jemalloc() {
    "$built/tool_profile" heap 5 >"$raw/heap" || exit 1
    "$built/tool_run" "$runs" "$limit" "$pprof" -symbolize=none -top "$raw/heap" >"$raw/ours.run" || exit 1
    read -r cpu wall peak over <"$raw/ours.run"
    mine="$cpu ms CPU, $wall ms wall, $((peak / 1024)) MB"
    if ! have jeprof; then
        row 'heap_v2, 5 MB -top' "$mine" - - 'jeprof: skipped, no libjemalloc-dev'
        return
    fi
    "$built/tool_run" "$runs" "$limit" jeprof --text /bin/true "$raw/heap" >"$raw/go.run" || exit 1
    read -r go_cpu go_wall go_peak go_over <"$raw/go.run"
    faster=$(ratio "$go_cpu" "$cpu")
    row 'heap_v2, 5 MB -top' "$mine" '>= 20x' "$(at_least "$faster" 20)" \
        "jeprof --text ${go_over:+at least }$go_cpu ms, $go_wall ms wall, $((go_peak / 1024)) MB: ${faster}x"
}

jemalloc
for file; do
    reports "$(basename "$file")" "$file"
done
"$built/tool_profile" proto "$mb" >"$raw/big" || exit 1
reports "$mb MB" "$raw/big"
