#!/bin/sh
# What the tool takes for a report, beside `go tool pprof` and jeprof: whole processes, ours and theirs in turn.
#
#   tool.sh [PROFILE…]     beside the profiles that are made here: these
#   PROFILE=FILE  MB=100  RUNS=5  HUGE=1
#
# Reports are made of a small profile (4 MB, gzipped) and of one of MB million bytes. Faster is by wall time, of which the
# medians of RUNS runs count (of 3 where one takes a second); the ratio of CPU time stands beside it. Where a run of ours
# takes a second, Go's is ended once it has taken half as long again as the bar asks: then it is "at least" as slow as
# that, and needed as much memory as until then. Growth is from 10 MB to MB, and with HUGE=1, which takes minutes and 4 GB, to 1000 MB.
# shellcheck source=tests/bench/common.sh
. tests/bench/common.sh

mb=${MB:-100} runs=${RUNS:-5}
export HOME="$raw" PPROF_TMPDIR="$raw" PPROF_BINARY_PATH=/nonexistent
pprof=profiler/pprof
go=$(go env GOTOOLDIR 2>/dev/null)/pprof
long_ms=1000 our_limit_s=300 their_limit_s=60

# ratio A B
ratio() {
    awk -v a="$1" -v b="$2" 'BEGIN { printf "%.1f", (b > 0 ? a / b : 0) }'
}

# at_least VALUE BAR: ok or MISSED.
at_least() {
    at_most "-$1" "-$2"
}

# once LIMIT_S FILE COMMAND…: adds a line "cpu_ms wall_ms peak_kb [over]" to FILE.
once() {
    limit=$1 to=$2
    shift 2
    "$built/tool_run" 1 "$limit" "$@" >>"$to" || { echo "failed: $*" >&2 && exit 1; }
}

# median FILE N: of the N-th column.
median() {
    awk -v n="$2" '{ print $n }' "$1" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# side_by_side RATIO OURS -- THEIRS…: runs both in turn, into $raw/ours.run and $raw/theirs.run. OURS is one word.
# THEIRS is ended after $their_limit_s or, if ours are long, after half as long again as RATIO times ours, and not run
# again then.
side_by_side() {
    times=$1 ours=$2
    shift 3
    : >"$raw/ours.run"
    : >"$raw/theirs.run"
    left=$runs
    while [ "$left" -gt 0 ]; do
        # shellcheck disable=SC2086 # a command without blanks in its words
        once "$our_limit_s" "$raw/ours.run" $ours
        wall=$(median "$raw/ours.run" 2)
        [ "$wall" -lt "$long_ms" ] || [ "$left" -le 3 ] || left=3
        limit=$their_limit_s
        [ "$wall" -lt "$long_ms" ] || limit=$((wall * times * 3 / 2 / 1000 + 2))
        if [ $# -gt 0 ] && ! grep -q over "$raw/theirs.run"; then
            once "$limit" "$raw/theirs.run" "$@"
        fi
        left=$((left - 1))
    done
    cpu=$(median "$raw/ours.run" 1) wall=$(median "$raw/ours.run" 2) peak=$(median "$raw/ours.run" 3)
    [ $# -gt 0 ] || return 0
    least='' from="$raw/theirs.run"
    if grep -q over "$from"; then
        grep over "$from" >"$raw/over.run"
        least='at least ' from="$raw/over.run"
    fi
    their_cpu=$(median "$from" 1) their_wall=$(median "$from" 2) their_peak=$(median "$from" 3)
    faster=$(ratio "$their_wall" "$wall") faster_cpu=$(ratio "$their_cpu" "$cpu") smaller=$(ratio "$their_peak" "$peak")
}

# known VERDICT: what is only known to be at least so much cannot be missed.
known() {
    if [ -n "$least" ] && [ "$1" != ok ]; then echo 'not known'; else echo "$1"; fi
}

# report WHAT FILE REPORT FASTER: a row for time, which must be FASTER times less, and one for memory, a third.
report() {
    flags="-symbolize=none $3 -output=/dev/null $2"
    if [ -x "$go" ]; then
        # shellcheck disable=SC2086 # flags
        side_by_side "$4" "$pprof $flags" -- "$go" $flags
    else
        side_by_side "$4" "$pprof $flags" --
        row "$1 $3" "$wall ms, $cpu ms CPU, $((peak / 1024)) MB" - - 'Go: skipped, no golang-go'
        return
    fi
    row "$1 $3" "$wall ms, $cpu ms CPU" ">= $4x" "$(known "$(at_least "$faster" "$4")")" \
        "Go $least$their_wall ms: ${faster}x; $their_cpu ms CPU: ${faster_cpu}x"
    row "$1 $3, peak" "$((peak / 1024)) MB" '>= 3x' "$(known "$(at_least "$smaller" 3)")" \
        "Go $least$((their_peak / 1024)) MB: ${smaller}x"
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
    ours="$pprof -symbolize=none -top $raw/heap"
    if have jeprof; then
        side_by_side 20 "$ours" -- jeprof --text /bin/true "$raw/heap"
        row 'heap_v2, 5 MB -top' "$wall ms, $cpu ms CPU, $((peak / 1024)) MB" '>= 20x' "$(known "$(at_least "$faster" 20)")" \
            "jeprof --text $least$their_wall ms: ${faster}x; $((their_peak / 1024)) MB"
    else
        side_by_side 20 "$ours" --
        row 'heap_v2, 5 MB -top' "$wall ms, $cpu ms CPU, $((peak / 1024)) MB" - - 'jeprof: skipped, no libjemalloc-dev'
    fi
}

# exponent A B FROM TO: of the growth from A to B while the size grows from FROM to TO; 1 is linear.
exponent() {
    awk -v a="$1" -v b="$2" -v from="$3" -v to="$4" 'BEGIN { printf "%.2f", log(b / a) / log(to / from) }'
}

# growth REPORT: CPU time and peak at each size, and the exponents from the first to the last.
growth() {
    shown='' first=''
    for size in 10 "$mb" ${HUGE:+1000}; do
        side_by_side 1 "$pprof -symbolize=none $1 -output=/dev/null $raw/proto.$size" --
        shown="$shown${shown:+ > }$cpu ms $((peak / 1024)) MB"
        [ -n "$first" ] || first="$cpu $peak $(wc -c <"$raw/proto.$size")"
    done
    last="$cpu $peak $(wc -c <"$raw/proto.$size")"
    # shellcheck disable=SC2086 # three words each
    set -- "$1" $first $last
    in_time=$(exponent "$2" "$5" "$4" "$7") in_space=$(exponent "$3" "$6" "$4" "$7")
    row "growth to $size MB $1" "$shown" 'n^1.15' "$(both "$(at_most "$in_time" 1.15)" "$(at_most "$in_space" 1.15)")" \
        "time n^$in_time, memory n^$in_space"
}

jemalloc
"$built/tool_profile" proto 4 | gzip >"$raw/small.pb.gz" || exit 1
reports '4 MB' "$raw/small.pb.gz"
for file in ${PROFILE:+"$PROFILE"} "$@"; do
    reports "$(basename "$file")" "$file"
done
for size in 10 "$mb" ${HUGE:+1000}; do
    "$built/tool_profile" proto "$size" >"$raw/proto.$size" || exit 1
done
reports "$mb MB" "$raw/proto.$mb"
for format in -top -tree -peek=. -traces -dot -raw -proto; do
    growth "$format"
done
