#!/bin/sh
# Lesson 8's fleet: the configurations keep the rules of Parca and of Grafana Alloy and name what start.sh starts; every
# profile they ask for is one that both take, and what is no such profile is found out; and of some box offices, collected
# and merged by pprof, the odd one is found, and in what it is odd.
# shellcheck source=exercises/engine/common.sh
. "$(dirname "$0")/../exercises/engine/common.sh"
lesson_load 8
# shellcheck source=exercises/lesson8/fleet/fleet_common.sh
. exercises/lesson8/fleet/fleet_common.sh
rules=$build/tests/scrape_rules
quiet_make profiler/pprof "$build/fetch" "$rules" "$build/tests/make_profile" || exit 2
if [ -f "$state_of_fleet/pids" ]; then
    echo "somebody's fleet is running: $fleet/stop.sh ends it"
    exit 77
fi
dir=$(mktemp -d) || exit 2
trap 'exercises/lesson8/fleet/stop.sh; rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM
failed=0

fail() {
    echo "fleet: $*"
    [ ! -s "$dir/out" ] || sed 's/^/    /' "$dir/out"
    failed=1
}
seconds_of() { # seconds_of NAME FILE: "scrape_interval: 10s" or "scrape_interval = "10s""
    sed -n "s/^ *$1[ :=]*\"\{0,1\}\([0-9]*\)s.*/\1/p" "$2"
}

# ---- the configurations ----
parca=$fleet/parca.yaml alloy=$fleet/pyroscope.alloy
sed -n 's/^ *- \([0-9.]*:[0-9]*\)$/\1/p' "$parca" >"$dir/parca.targets"
sed -n 's/.*"__address__" = "\([^"]*\)".*/\1/p' "$alloy" >"$dir/alloy.targets"
i=7071
while [ "$i" -le 7080 ]; do
    echo "127.0.0.1:$i"
    i=$((i + 1))
done >"$dir/offices"
for who in parca alloy; do
    cmp -s "$dir/$who.targets" "$dir/offices" || fail "$who's targets are not what start.sh starts"
done
[ "$(seconds_of scrape_timeout "$parca")" -gt "$(seconds_of scrape_interval "$parca")" ] ||
    fail "parca: the timeout must be longer than the interval"
duration=$(seconds_of delta_profiling_duration "$alloy") interval=$(seconds_of scrape_interval "$alloy")
if [ "$duration" -le 1 ] || [ "$duration" -gt $((interval - 1)) ]; then
    fail "alloy: the duration must be more than 1 s, and 1 s less than the interval"
fi
[ "$(seconds_of scrape_timeout "$alloy")" -ge "$interval" ] || fail "alloy: the timeout is too short for a CPU profile"
grep -A 3 '^object_storage:$' "$parca" | grep -q '^ *type: FILESYSTEM$' || fail "parca: a bucket is required"
grep -q '^ *- job_name: ..*' "$parca" || fail "parca: a job has a name"

# NAME PATH DELTA, as each of them reads it.
awk '/pprof_config:/ { inside = 1; next }
     inside && /^        [a-z_]+:$/ { sub(/:/, ""); name = $1; delta = "false" }
     inside && $1 == "delta:" { delta = $2 }
     inside && $1 == "path:" { print name, $2, delta }' "$parca" >"$dir/parca.profiles"
awk '/^ *profile\.[a-z_]+ \{/ { sub(/profile\./, "", $1); name = $1; delta = "?"; enabled = "?" }
     $1 == "enabled" { enabled = $3 }
     $1 == "delta" { delta = $3 }
     $1 == "path" && enabled == "true" { gsub(/"/, "", $3); print name, $3, delta }' "$alloy" >"$dir/alloy.profiles"
for who in parca alloy; do
    [ "$(cut -d' ' -f1 "$dir/$who.profiles" | sort | tr '\n' ' ')" = 'block goroutine memory mutex process_cpu ' ] ||
        fail "$who: not the five profiles, but $(cut -d' ' -f1 "$dir/$who.profiles" | tr '\n' ' ')"
    while read -r name path delta; do
        [ "$name" = process_cpu ] && wanted=true || wanted=false
        [ "$delta" = "$wanted" ] || fail "$who: delta of $name is $delta"
    done <"$dir/$who.profiles"
done

# ---- what is served ----
for port in 7171 8271 9371; do # one of these has three free beside it
    FLEET_ODD=1 exercises/lesson8/fleet/start.sh --offices 4 --port "$port" >"$dir/out" 2>&1 && break
done
[ -s "$state_of_fleet/pids" ] || {
    fail "start.sh starts nothing"
    exit 1
}
address=$(instances | head -n 1)
sleep 2 # the offices have sold something
cat "$dir/parca.profiles" "$dir/alloy.profiles" | sort -u >"$dir/profiles"
while read -r name path delta; do
    query=''
    [ "$delta" = false ] || query='?seconds=2'
    "$build/fetch" -i "http://$address$path$query" >"$dir/$name" || fail "$path cannot be fetched"
    "$rules" "$name" "$dir/$name" >"$dir/out" 2>&1 || fail "$name would be refused"
done <"$dir/profiles"
: >"$dir/out"

# ---- what is no such profile ----
refused() { # refused KIND FILE PATTERN
    "$rules" "$1" "$2" >"$dir/out" 2>&1 && fail "$2 passes for $1"
    grep -q -- "$3" "$dir/out" || fail "$2 as $1: no line with '$3'"
}
refused memory "$dir/mutex" 'type 0 is not -alloc_objects'
refused process_cpu "$dir/goroutine" 'the period is not of'
"$build/fetch" -i "http://$address/debug/pprof/heap?debug=1" >"$dir/text"
refused memory "$dir/text" 'content type is "text/plain'
"$build/fetch" -i "http://$address/debug/pprof/nothing" >"$dir/nothing"
refused memory "$dir/nothing" 'the status is 404'
# A profile with ids of its own, as programs may number them.
{ printf 'HTTP/1.0 200 OK\r\nContent-Type: application/octet-stream\r\n\r\n' && "$build/tests/make_profile" 7; } >"$dir/random"
refused goroutine "$dir/random" 'is not'

# ---- collection ----
: >"$dir/out"
exercises/lesson8/fleet/collect.sh --seconds 5 >"$dir/out" 2>&1 || fail "collect.sh: exit $?"
expected=$(instances | sed -n 2p)
[ "$(cat "$state_of_fleet/odd" 2>/dev/null)" = "$expected" ] || fail "the odd one is $expected, and was not found"
[ "$(./profiler/pprof -tags -tagshow=instance "$state_of_fleet/merged.pb.gz" 2>/dev/null | grep -c '%): 127.0.0.1:')" -eq 4 ] ||
    fail "not every instance is in the merged profile"
./profiler/pprof -top -normalize -diff_base="$state_of_fleet/others.pb.gz" "$state_of_fleet/odd.pb.gz" 2>/dev/null |
    awk 'seen { exit $6 != "is_sold" } $1 == "flat" && $2 == "flat%" { seen = 1 }' || fail "the difference is not is_sold"
exercises/lesson8/fleet/collect.sh --seconds x >"$dir/out" 2>&1
[ $? -eq 2 ] || fail "collect.sh --seconds x: no exit 2"

# What was started is ended, and nobody is asked any more.
pids=$(cat "$state_of_fleet/pids")
exercises/lesson8/fleet/stop.sh
sleep 0.5
for pid in $pids; do
    ! grep -aqs office "/proc/$pid/cmdline" || fail "stop.sh left $pid" # a zombie has none
done
exercises/lesson8/fleet/collect.sh >"$dir/out" 2>&1 && fail "collect.sh collects from nobody"
grep -q 'no fleet is there' "$dir/out" || fail "collect.sh does not say that there is no fleet"

[ "$failed" -eq 0 ] && echo "fleet: all as it should be"
exit "$failed"
