#!/bin/sh
# Each flaw of lesson 9 in three cases: the flawed module fails its own check and no other, the reference passes all, and
# in the report that the lesson recommends for it the culprit is among the first three.
#
#   lesson9_seeds.sh [CASES]      of each flaw; 3 unless told otherwise
# shellcheck source=exercises/engine/common.sh
. "$(dirname "$0")/../exercises/engine/common.sh"
wanted=${1:-3}
lesson_load 9
# shellcheck source=exercises/engine/reading.sh
. exercises/engine/reading.sh
# shellcheck source=exercises/engine/server.sh
. exercises/engine/server.sh
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM
cases=$build/cases at_once=8 failed=0

fail() {
    echo "lesson9_seeds: $*"
    failed=1
}

truth() { # truth SEED: its lines
    awk -v seed="$1" -v what=truth -f "$work/case.awk" "$work/words.txt" "$work/flaws.txt"
}

list_seeds() { # the first seeds there are of each flaw, "SEED CHECK"
    seed=0 flaws=$(grep -c '^[a-z]' "$work/flaws.txt")
    : >"$dir/seeds"
    while [ "$(wc -l <"$dir/seeds")" -lt $((flaws * wanted)) ] && [ "$seed" -lt 500 ]; do
        seed=$((seed + 1))
        check=$(truth $seed | sed -n 's/^check //p')
        [ "$(grep -c " $check\$" "$dir/seeds")" -ge "$wanted" ] || echo "$seed $check" >>"$dir/seeds"
    done
}

# The counted modules serve as the plain ones, too: their counts do no harm where none is read.
build_all() {
    targets="profiler/pprof demos/load $build/fetch $build/checks/lesson9" modules=''
    while read -r seed check; do
        targets="$targets $cases/$seed/flawed/mystery"
        for kind in flawed reference; do
            modules="$modules $build/modules/$cases/$seed/$kind/incident.counted.so"
        done
    done <"$dir/seeds"
    # shellcheck disable=SC2086 # lists of names
    quiet_make $targets && quiet_make CFLAGS=-O0 $modules || exit 1
    while read -r seed check; do
        for kind in flawed reference; do
            cp "$build/modules/$cases/$seed/$kind/incident.counted.so" "$dir/$kind-$seed.so"
            cp "$dir/$kind-$seed.so" "$dir/$kind-$seed.counted.so"
        done
    done <"$dir/seeds"
}

# A dozen at a time, since most of a check is waiting, and each in one process, which is quicker.
check_all() {
    while read -r seed check; do
        for kind in flawed reference; do
            echo "$dir/$kind-$seed $build/checks/lesson9 case $dir/flawed-$seed $dir/$kind-$seed"
        done
    done <"$dir/seeds" >"$dir/to_check"
    # shellcheck disable=SC2016 # for the shell that xargs starts
    xargs -P 12 -L 1 sh -c 'out=$0; CK_FORK=no VERDICT_TERSE=1 "$@" >"$out" 2>"$out.err" || :' <"$dir/to_check"
}

judge_checks() {
    while read -r seed check; do
        failures=$(sed -n 's/^FAIL //p' "$dir/flawed-$seed" | tr '\n' ' ')
        [ "$failures" = "$check " ] ||
            fail "case $seed is to fail $check, and fails ${failures:-none} $(cat "$dir/flawed-$seed.err")"
        failures=$(sed -n 's/^FAIL //p' "$dir/reference-$seed" | tr '\n' ' ')
        { [ -z "$failures" ] && grep -q '^ok' "$dir/reference-$seed"; } ||
            fail "the reference of case $seed fails $failures $(cat "$dir/reference-$seed.err")"
    done <"$dir/seeds"
}

# profile SEED: serves its flawed case for some seconds, and leaves the profile that shows it in $dir/SEED
profile() (
    mkdir -p "$dir/$1"
    trap server_stop EXIT
    server_start "$cases/$1/flawed/mystery" "$dir/$1/log" --port 0 --debug 127.0.0.1:0
    echo "$1 flawed" >"$dir/$1/case.txt"
    name=$(truth "$1" | sed -n 's/^profiles \([a-z]*\).*/\1/p') rate=15
    case $name in
    cpu) path='profile?seconds=3' file=cpu ;;
    mutex) path='mutex?seconds=4' file=mutex rate=30 ;;
    wakeups) path='block?seconds=3' file=block ;;
    threads) path=threads file=threads ;;
    inuse) path=heap file=heap rate=30 ;;
    *) path=heap file=heap ;;
    esac
    # shellcheck disable=SC2086 # a list of options
    ./demos/load --url "$server_url" $LOAD --rate $rate --duration 20 >/dev/null 2>&1 &
    load=$!
    case $path in
    *seconds*) sleep 1 ;;
    *) sleep 4 ;;
    esac
    "$build/fetch" "$server_debug/debug/pprof/$path" >"$dir/$1/$file.pb.gz"
    kill -INT $load
    wait $load
)

profile_all() {
    n=0 pids=''
    while read -r seed check; do
        profile "$seed" >"$dir/$seed-profile" 2>&1 &
        pids="$pids $!"
        n=$((n + 1))
        # shellcheck disable=SC2086 # process ids
        if [ $((n % at_once)) -eq 0 ]; then
            wait $pids
            pids=''
        fi
    done <"$dir/seeds"
    # shellcheck disable=SC2086 # process ids
    wait $pids
}

# On a busy machine little is to be seen in a few seconds: then once more, alone.
judge_profiles() {
    while read -r seed check; do
        tries=0
        while place=$(rank "$dir/$seed") && [ "$place" -gt 3 ] && [ $tries -lt 3 ]; do
            tries=$((tries + 1))
            profile "$seed" >"$dir/$seed-profile" 2>&1 </dev/null
        done
        [ "$place" -le 3 ] ||
            fail "case $seed, $check: the culprit is number $place in its report $(cat "$dir/$seed-profile")"
    done <"$dir/seeds"
}

list_seeds
build_all
check_all
judge_checks
profile_all
judge_profiles
[ "$failed" -eq 0 ] && echo "lesson9_seeds: $(wc -l <"$dir/seeds") cases: each fails its own check, its reference none, and its profile shows it"
exit "$failed"
