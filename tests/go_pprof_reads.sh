#!/bin/sh
# `go tool pprof` reads every endpoint of a program with libcprof, without a warning, and finds there what the
# program does; nearly all CPU samples have a true name.
command -v go >/dev/null || {
    echo "there is no go tool pprof on this machine"
    exit 77
}
# shellcheck source=tests/target_common.sh
. tests/target_common.sh
start_target 127.0.0.1:0
url=http://$(cat "$dir/address")/debug/pprof

# one NAME QUERY TYPE NAMES REPORT: fetched by the reference tool; TYPE and NAMES must be in what it prints.
one() {
    out=$dir/$1.out
    go tool pprof "$5" -nodecount=0 -nodefraction=0 "$url/$1$2" >"$out" 2>"$out.err" || {
        echo "$1$2: go tool pprof failed" && cat "$out.err" && bad=1
    }
    if grep -v -e '^Fetching profile over HTTP from ' -e '^Saved profile in ' "$out.err"; then
        echo "$1$2: go tool pprof warned" && bad=1
    fi
    for wanted in "$3" $4; do
        grep -q -e "$wanted" "$out" || {
            echo "$1$2: no \"$wanted\" in" && head -n 20 "$out" && bad=1
        }
    done
}

one profile '?seconds=3' 'Type: cpu' 'target_sort target_copy target_spin' -top
cp "$dir/profile.out" "$dir/profile.cpu"
one heap '' 'Type: inuse_space' 'target_keep main' -top
one allocs '' 'Type: alloc_space' 'target_keep target_copy' -top
one threads '' 'Type: threads' 'target_hold target_wait compute main' -top
one goroutine '' 'Type: goroutine' 'target_hold target_wait compute main' -top
one threadcreate '' 'Type: threadcreate' 'start main' -top
one mutex '' 'Type: delay' target_hold -top
one block '' 'Type: delay' target_hold -top
one mutex '?seconds=1' 'Type: delay' target_hold -top
one wall '?seconds=1' 'Type: time' 'target_spin target_wait main' -top
one heap '?seconds=1' 'Type: inuse_space' '' -top
deltas='' # a second each, so all at once
for name in allocs block goroutine threadcreate threads; do
    (one "$name" '?seconds=1' 'Duration: ' '' -top && exit $bad) &
    deltas="$deltas $!"
done
for delta in $deltas; do
    wait "$delta" || bad=1
done
for name in heap threads mutex; do
    one "$name" '' 'PeriodType: ' 'target_' -raw
done
one wall '?seconds=1' 'PeriodType: wallclock nanoseconds' 'samples/count time/nanoseconds' -raw
one profile '?seconds=1' 'PeriodType: cpu nanoseconds' 'target_spin' -raw

# Labels: both tools count by them and cut by them. (Later versions of Go's count in other columns.)
labelled() { # labelled WANTED UNWANTED OPTIONS...: either tool's report has the one and lacks the other
    for tool in 'go tool pprof' profiler/pprof; do
        $tool -symbolize=none "$3" -nodefraction=0 ${4:+"$4"} ${5:+"$5"} "$dir/labels.pb.gz" >"$dir/report" 2>/dev/null
        if ! grep -q -e "$1" "$dir/report" || grep -q -e "$2" "$dir/report"; then
            echo "$tool $*: no \"$1\", or \"$2\", in" && head -n 20 "$dir/report" && bad=1
        fi
    done
}
go tool pprof -proto -output="$dir/labels.pb.gz" "$url/profile?seconds=2" >/dev/null 2>&1 || bad=1
labelled ' turns: Total .*' nothing -tags
labelled ': odd$' nothing -tags
labelled target_spin target_copy -top -tagfocus=turns=odd
labelled target_copy target_spin -top -tagfocus=job=compute -tagignore=turns=.
go tool pprof -proto -output="$dir/labels.pb.gz" "$url/goroutine" >/dev/null 2>&1 || bad=1
labelled ' 3\(\.0\)\? ([0-9.]*%): contend$' nothing -tags
labelled target_hold target_wait -top -tagfocus=job=contend

# A function called libc.so.6+0x... is a place, not a name.
awk '/flat%/ { on = 1; next }
    on { sub(/%/, "", $2); all += $2; if ($6 ~ /\+0x[0-9a-f]+$/ || $6 ~ /^[0x<[]/) unnamed += $2 }
    END {
        printf "%.1f%% of flat CPU has no name\n", all ? 100 * unnamed / all : 100
        exit !(all > 50 && unnamed <= all * 0.05)
    }' "$dir/profile.cpu" || bad=1

exec 3>&-
exit $bad
