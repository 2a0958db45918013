#!/bin/sh
# Every figure of `make bench`, ours beside the peers' in one run, with the bar ours must meet.
#
#   make bench                       everything, in less than ten minutes
#   make bench PART=locks            one part, or several: PART='locks heap'
#   parts: locks law unwind heap dump exec cpu gateway tool merge paint scaling, each a script beside this one
#
# Above the rows of each part is the command that measures them again. Each row is a figure, with ours, each peer's, the bar,
# and whether ours meets it; a peer that is not installed is "skipped", with the package that has it. The same, with the lines of scaling drawn, is a page,
# .build/bench.html. Run it on a quiet machine: what else runs there is in the figures.
#
# Exit: 0 all was measured, whether bars were met or not; 1 a measurement broke; 2 no such part; 130 interrupted.
here=$(dirname "$0")
all='locks law unwind heap dump exec cpu gateway tool merge paint scaling'
# shellcheck source=tests/bench/common.sh
. "$here/common.sh"
# shellcheck disable=SC2086 # a list of names
[ $# -gt 0 ] || set -- $all
for part; do
    case " $all " in
    *" $part "*) ;;
    *) echo "bench: there is no part \"$part\", but $all" >&2 && exit 2 ;;
    esac
done

# A part has a session of its own, so that all it has started can be ended with it.
pid=
end() {
    trap "" INT TERM HUP
    [ -z "$pid" ] || kill -s TERM -- "-$pid" 2>/dev/null
    wait
    clear_line
    echo 'bench: interrupted' >&2
    exit 130
}
trap end INT TERM HUP

clear_line() {
    [ ! -t 2 ] || printf '\r\033[K' >&2
}

# Until the part has ended; on a terminal, with how long that has taken.
await() {
    while [ -t 2 ] && kill -0 "$pid" 2>/dev/null; do
        printf '\r  %s: %d s' "$part" $(($(date +%s) - began)) >&2
        sleep 1
    done
    wait "$pid"
}

page=.build/bench.html
BENCH_POINTS=$raw/points
export BENCH_POINTS
: >"$raw/points"

# shown COMMAND...: to be seen, and kept for the page
shown() {
    "$@" >"$raw/shown"
    cat "$raw/shown"
    cat "$raw/shown" >>"$raw/table"
}

shown machine
row 'figure' 'ours' 'peer' 'bar' ''
broken=
for part; do
    began=$(date +%s)
    setsid "$here/$part.sh" >"$raw/part" 2>"$raw/part.err" &
    pid=$!
    await && code=0 || code=$?
    pid=
    clear_line
    shown printf 'make bench PART=%s (%d s)\n' "$part" $(($(date +%s) - began))
    shown cat "$raw/part"
    cat "$raw/part" >>"$raw/rows"
    [ "$code" -ne 0 ] || continue
    broken="$broken $part"
    printf '  BROKEN: exit %d\n' "$code"
    sed 's/^/    /' "$raw/part.err"
done
printf '\n%d bars met, %d missed, %d figures of peers skipped\n' "$(grep -c ' ok$' "$raw/rows")" "$(grep -c ' MISSED$' "$raw/rows")" \
    "$(grep -c ' skipped' "$raw/rows")"
awk -f "$here/page.awk" "$raw/points" "$raw/table" >"$page" && echo "as a page: $page"
[ -z "$broken" ] || { echo "bench: not measured:$broken" && exit 1; }
