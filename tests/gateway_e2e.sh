#!/bin/sh
# The gateway from the outside: what it answers, what it says to wrong options, and that nothing is left of it.
# GATEWAY=PROGRAM tries another build of it.
gateway=${GATEWAY:-./demos/gateway}
load=./demos/load
fetch=./.build/fetch
make -s .build/fetch demos/load demos/gateway || exit 2
work=$(mktemp -d) || exit 2
pid=
trap 'if [ -n "$pid" ]; then kill -KILL "$pid" 2>/dev/null; fi; rm -rf "$work"' EXIT

fail() {
    printf 'gateway_e2e: %s\n' "$*" >&2
    sed 's/^/  gateway said: /' "$work/out" "$work/err" >&2
    exit 1
}

# start OPTIONS...: sets pid and base once it serves.
start() {
    : >"$work/out"
    "$gateway" --port 0 --debug 127.0.0.1:0 --capacity 200 --upstream-ms 20 "$@" >"$work/out" 2>"$work/err" &
    pid=$!
    for _ in $(seq 200); do
        base=$(sed -n 's|^gateway: \(http://[0-9.:]*\)/.*|\1|p' "$work/out")
        [ -z "$base" ] || return 0
        kill -0 "$pid" 2>/dev/null || fail "ended instead of serving"
        sleep 0.05
    done
    fail "does not serve"
}

# finish SIGNAL CODE: ends it, and sees that it and its upstream are gone.
finish() {
    children=$(cat "/proc/$pid/task/$pid/children")
    [ -n "$children" ] || fail "has no upstream process"
    kill "-$1" "$pid"
    wait "$pid" 2>/dev/null
    [ $? -eq "$2" ] || fail "should end with $2 after SIG$1"
    pid=
    for child in $children; do
        for _ in $(seq 100); do
            [ -d "/proc/$child" ] || break
            [ "$(sed 's/.*) //; s/ .*//' "/proc/$child/stat" 2>/dev/null)" = Z ] && break
            sleep 0.05
        done
        [ ! -d "/proc/$child" ] || [ "$(sed 's/.*) //; s/ .*//' "/proc/$child/stat")" = Z ] \
            || fail "upstream process $child outlives it"
    done
}

# status OPTIONS... URL: the answer's status, and its body in $work/body.
status() {
    "$fetch" -i "$@" | tr -d '\r' >"$work/answer"
    sed '1,/^$/d' "$work/answer" >"$work/body"
    sed -n '1s/^[^ ]* \([0-9]*\).*/\1/p' "$work/answer"
}

# A number of /stats.
figure() {
    "$fetch" "$base/stats" | sed -n "s/.*\"$1\":\\([0-9.]*\\).*/\\1/p"
}

# complains CODE TEXT COMMAND...: it ends with that code and one line that has the text.
complains() {
    code=$1 text=$2
    shift 2
    "$@" >"$work/out" 2>"$work/err"
    [ $? -eq "$code" ] || fail "'$*' should end with $code"
    [ "$(wc -l <"$work/err")" -eq 1 ] || fail "'$*' should print one line"
    grep -q -- "$text" "$work/err" || fail "'$*' should say '$text'"
}

"$gateway" --help >"$work/out" || fail "--help fails"
for option in port debug capacity upstream-ms max-threads; do
    grep -q -- "--$option " "$work/out" || fail "--help lacks --$option"
done
complains 2 'no option "--speed"' "$gateway" --speed 1
complains 2 'needs a value' "$gateway" --port
complains 2 'number from 0 to 65535, not "http"' "$gateway" --port http
complains 2 'number from 1 to' "$gateway" --capacity=0
complains 2 'GATEWAY_JSON' env GATEWAY_JSON=dynamic "$gateway"
# shellcheck disable=SC2016 # the inner shell expands it
complains 1 'limits are too low' sh -c 'ulimit -n 90; exec "$0"' "$gateway"
complains 2 'no option' "$load" --fast
complains 2 'is no http' "$load" --url localhost

start
grep -q -- '^  ./demos/load --url '"$base"'$' "$work/out" || fail "does not say how to load it"
grep -q -- '^  ./profiler/pprof .*/debug/pprof/profile' "$work/out" || fail "does not say how to profile it"
complains 1 'cannot listen on 127.0.0.1.*Address already in use' "$gateway" --port "${base##*:}"
[ "$(status "$base/v1/items/item-1")" = 200 ] || fail "no item"
[ "$(tr ',' '\n' <"$work/body" | grep -c '":')" -ge 20 ] || fail "documents should have 20 fields"
cp "$work/body" "$work/first"
[ "$(status "$base/v1/items/item-1")" = 200 ] || fail "no item the second time"
cmp -s "$work/body" "$work/first" || fail "a hit differs"
[ "$(figure hits)" -eq 2 ] || fail "two hits should be counted"
[ "$(status "$base/v1/items/unheard-of")" = 200 ] || fail "no answer for a miss"
[ "$(figure hits)/$(figure requests)" = 2/3 ] || fail "a miss counts as a hit"
[ "$(status "$base/v1/items/a%20b")" = 400 ] || fail "a bad key is no error"
[ "$(status "$base/")" = 404 ] || fail "an unknown path is no error"
[ "$(status -X POST "$base/v1/items/item-1")" = 405 ] || fail "POST is no error"
for key in threads connections requests hits cache_entries cache_bytes evictions p95_ms; do
    [ -n "$(figure "$key")" ] || fail "/stats lacks $key"
done
[ "$(figure p95_ms | cut -d. -f1)" -ge 20 ] || fail "p95_ms is less than the upstream takes"
"$load" --url "$base" --rate 200 --duration 1 --popular 100 --json "$work/load.json" >"$work/load" 2>&1 \
    || fail "load fails: $(cat "$work/load")"
grep -q '"requests":200,"errors":0,"p50_ms":[0-9.]*,"p95_ms":[0-9.]*,"p99_ms":[0-9.]*,"max_ms":[0-9.]*}' \
    "$work/load.json" || fail "load counts $(cat "$work/load.json")"
"$load" --url "$base" --rate 10 --duration 1 --json - 2>/dev/null | grep -q '^{"requests":10,.*}$' \
    || fail "load --json - does not write JSON alone"
script -qec "$load --url $base --rate 100 --duration 2 --hits 50 --slow-ms 15" /dev/null </dev/null >"$work/load"
grep -q 'profile now' "$work/load" || fail "load does not say when to profile"
"$load" --url "$base" --rate 100 --duration 60 >"$work/load" &
loading=$!
sleep 1
kill -INT "$loading"
wait "$loading" || fail "load should end with 0 after SIGINT"
grep -q '^[1-9][0-9]* requests, 0 errors' "$work/load" || fail "load forgets its summary after SIGINT"
finish INT 0
complains 1 'Connection refused' "$load" --url "$base" --duration 1

GATEWAY_JSON=static
export GATEWAY_JSON
start --upstream-ms 60000
unset GATEWAY_JSON
[ "$(status "$base/v1/items/item-1")" = 200 ] || fail "no item without JSON"
cp "$work/body" "$work/first"
[ "$(status "$base/v1/items/item-2")" = 200 ] || fail "no second item without JSON"
cmp -s "$work/body" "$work/first" || fail "JSON is not free"
# One that waits for the upstream must not keep the gateway from ending.
"$fetch" "$base/v1/items/unheard-of" >"$work/never" 2>&1 &
waiting=$!
for _ in $(seq 100); do
    [ "$(figure connections)" -lt 2 ] || break
    sleep 0.05
done
finish TERM 0
wait "$waiting"

# What a thread does for a request is labelled: parts of the profiles that are found by their labels are
# there, have nothing in common, and are the whole together with what has no such label.
pprof=./profiler/pprof
make -s profiler/pprof || exit 2
nodes() { # nodes PROFILE OPTIONS...: sets part, what the report accounts for, and whole
    profile=$1
    shift
    "$pprof" -top -nodecount=0 -nodefraction=0 -sample_index=0 "$@" "$profile" >"$work/top" 2>"$work/err" \
        || fail "pprof $*: $(cat "$work/err")"
    part=$(sed -n 's/^Showing nodes accounting for \([0-9]*\),.*/\1/p' "$work/top")
    whole=$(sed -n 's/^Showing nodes .* of \([0-9]*\) total$/\1/p' "$work/top")
}
parts() { # parts PROFILE: by "cache"
    nodes "$1" -tagfocus cache=hit
    hits=${part:-0}
    ! grep -q upstream_fetch "$work/top" || fail "$1: a hit waits for the upstream"
    nodes "$1" -tagfocus cache=miss
    misses=${part:-0}
    waits=$(grep -c upstream_fetch "$work/top")
    nodes "$1" -tagignore cache=.
    rest=${part:-0}
    # No node accounts for what has no stack: a thread that was too busy to say in time where it is.
    stackless=$("$pprof" -raw "$1" 2>/dev/null | sed '/^Locations/,$d' | awk '/^ *[0-9]+( +[0-9]+)*: *$/ { n += $1 } END { print n + 0 }')
}
start --sellers 400 --upstream-ms 300
debug=$(sed -n "s|.*'\(http://[0-9.:]*/debug/pprof\)/profile.*|\1|p" "$work/out")
"$load" --url "$base" --rate 150 --duration 60 --popular 100 >"$work/load" 2>&1 &
loading=$!
"$fetch" "$debug/profile?seconds=2&hz=1000" >"$work/cpu"
parts "$work/cpu"
[ "$hits" -gt 0 ] || fail "CPU: no sample of hits"
[ "$misses" -gt 0 ] || fail "CPU: no sample of misses"
[ $((hits + misses + rest + stackless)) -eq "$whole" ] || fail "CPU: $hits + $misses + $rest + $stackless of $whole samples"
nodes "$work/cpu" -tagfocus route=/v1/items
[ "$part" -ge $((hits + misses)) ] || fail "CPU: $part samples of items, $hits + $misses of hits and misses"
# Hits take so little time that not every look finds one, and misses may all be at the cache's locks.
tries=0 some_hits=0 some_waits=0
until [ "$some_hits" -gt 0 ] && [ "$some_waits" -gt 0 ]; do
    [ "$((tries += 1))" -le 100 ] || fail "threads: $some_hits at a hit, $some_waits times misses that wait for the upstream"
    "$fetch" "$debug/threads" >"$work/threads"
    parts "$work/threads"
    [ $((hits + misses + rest + stackless)) -eq "$whole" ] || fail "threads: $hits + $misses + $rest + $stackless of $whole"
    some_hits=$((some_hits + hits)) some_waits=$((some_waits + waits))
done
"$fetch" "$debug/goroutine?debug=1" >"$work/body"
grep -q '^# labels: {"cache":"miss", "route":"/v1/items"}$' "$work/body" || fail "goroutine?debug=1 has no labels"
kill -INT "$loading"
wait "$loading"
finish INT 0

# Past its cap it says so, and serves again when there is room.
start --max-threads 2 --upstream-ms 1500
for i in 1 2; do
    "$fetch" "$base/v1/items/slow-$i" >"$work/slow-$i" &
done
sleep 0.5
[ "$(status "$base/v1/items/item-1")" = 503 ] || fail "should refuse a third connection"
wait_for=100
until [ "$(status "$base/v1/items/item-1")" = 200 ]; do
    wait_for=$((wait_for - 1))
    [ "$wait_for" -gt 0 ] || fail "refuses for ever"
    sleep 0.1
done
finish KILL 137
