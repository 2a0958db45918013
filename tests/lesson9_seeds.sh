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
trap 'server_stop; rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM
cases=$build/cases at_once=5

truth() { # truth SEED: its lines
    awk -v seed="$1" -v what=truth -f "$work/case.awk" "$work/words.txt" "$work/flaws.txt"
}

# list_seeds: the first seeds there are of each flaw, "SEED CHECK"
list_seeds() {
    seed=0 flaws=$(grep -c '^[a-z]' "$work/flaws.txt")
    : >"$dir/seeds"
    while [ "$(wc -l <"$dir/seeds")" -lt $((flaws * wanted)) ] && [ "$seed" -lt 500 ]; do
        seed=$((seed + 1))
        check=$(truth $seed | sed -n 's/^check //p')
        [ "$(grep -c " $check\$" "$dir/seeds")" -ge "$wanted" ] || echo "$seed $check" >>"$dir/seeds"
    done
}

# profile SEED: serves its flawed case for some seconds, and leaves the profile that shows it in $dir/SEED
profile() (
    mkdir -p "$dir/$1"
    trap server_stop EXIT
    server_start "$cases/$1/flawed/mystery" "$dir/$1/log" --port 0 --debug 127.0.0.1:0
    # shellcheck disable=SC2086 # a list of options
    ./demos/load --url "$server_url" $LOAD --rate 30 --duration 8 >/dev/null 2>&1 &
    load=$!
    echo "$1 flawed" >"$dir/$1/case.txt"
    sleep 1
    name=$(truth "$1" | sed -n 's/^profiles \([a-z]*\).*/\1/p')
    case $name in
    cpu) path='profile?seconds=4' file=cpu ;;
    mutex) path='mutex?seconds=6' file=mutex ;;
    wakeups) path='block?seconds=4' file=block ;;
    threads) path=threads file=threads ;;
    *) path=heap file=heap ;;
    esac
    case $path in
    *seconds*) ;;
    *) sleep 6 ;;
    esac
    "$build/fetch" "$server_debug/debug/pprof/$path" >"$dir/$1/$file.pb.gz"
    kill -INT $load
    wait $load
)

list_seeds
targets="profiler/pprof demos/load $build/fetch $build/checks/lesson9" modules=''
while read -r seed check; do
    targets="$targets $cases/$seed/flawed/mystery"
    for kind in flawed reference; do
        modules="$modules $build/modules/$cases/$seed/$kind/incident.so $build/modules/$cases/$seed/$kind/incident.counted.so"
    done
done <"$dir/seeds"
# shellcheck disable=SC2086 # a list of names
quiet_make $targets && quiet_make CFLAGS=-O0 $modules || exit 1 # the modules are to be there soon; their counts are alike

failed=0
fail() {
    echo "lesson9_seeds: $*"
    failed=1
}

# The checks, a dozen at a time, since most of each is waiting, and each in one process, which is quicker.
while read -r seed check; do
    for kind in flawed reference; do
        echo "$dir/$seed-$kind $build/checks/lesson9 case $build/modules/$cases/$seed/flawed/incident $build/modules/$cases/$seed/$kind/incident"
    done
done <"$dir/seeds" >"$dir/to_check"
# shellcheck disable=SC2016 # for the shell that xargs starts
xargs -P 12 -L 1 sh -c 'out=$0; CK_FORK=no VERDICT_TERSE=1 "$@" >"$out" 2>"$out.err" || :' <"$dir/to_check"
while read -r seed check; do
    failures=$(sed -n 's/^FAIL //p' "$dir/$seed-flawed" | tr '\n' ' ')
    [ "$failures" = "$check " ] || fail "case $seed is to fail $check, and fails ${failures:-none} $(cat "$dir/$seed-flawed.err")"
    failures=$(sed -n 's/^FAIL //p' "$dir/$seed-reference" | tr '\n' ' ')
    { [ -z "$failures" ] && grep -q '^ok' "$dir/$seed-reference"; } || fail "the reference of case $seed fails $failures"
done <"$dir/seeds"

# The profiles, some servers at a time.
n=0 pids=''
while read -r seed check; do
    profile "$seed" >"$dir/$seed-profile" 2>&1 &
    pids="$pids $!"
    n=$((n + 1))
    if [ $((n % at_once)) -eq 0 ]; then
        # shellcheck disable=SC2086 # process ids
        wait $pids
        pids=''
    fi
done <"$dir/seeds"
# shellcheck disable=SC2086 # process ids
wait $pids
while read -r seed check; do
    place=$(rank "$dir/$seed")
    [ "$place" -le 3 ] || fail "case $seed, $check: the culprit is number $place in its report $(cat "$dir/$seed-profile")"
done <"$dir/seeds"

[ "$failed" -eq 0 ] && echo "lesson9_seeds: $(wc -l <"$dir/seeds") cases: each fails its own check, its reference none, and its profile shows it"
exit "$failed"
