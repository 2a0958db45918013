#!/bin/sh
# Lesson 2's run.sh, spike.sh and quiz.sh from end to end: the flawed server grows and has a spike, the repaired one
# neither, and the quiz knows right from wrong.
# shellcheck source=exercises/engine/common.sh
. "$(dirname "$0")/../exercises/engine/common.sh"
dir=$(mktemp -d) || exit 2
label=test-$$
trap 'rm -rf "$dir" exercises/lesson2/profiles/*-"$label"' EXIT
trap 'exit 130' INT TERM
export WORKBOOK_STATE="$dir/progress"
# Growth is the difference of two sampled sums, which at the default rate is off by a megabyte or two, now and then by four.
export CPROF_HEAP_RATE=65536
failed=0

fail() {
    echo "lesson2_run: $*"
    sed 's/^/    /' "$dir/out"
    failed=1
}

begin() { # begin BUILD SECONDS: its process in $run
    exercises/lesson2/run.sh --build "$1" --seconds "$2" --label "$label" \
        --url http://127.0.0.1:0 --debug http://127.0.0.1:0 >"$dir/out" 2>&1 </dev/null &
    run=$!
}
finish() { # finish BUILD: ends with its folder in $folder
    wait "$run" || {
        fail "run.sh --build $1: exit $?"
        exit 1
    }
    for folder in exercises/lesson2/profiles/*-"$label"; do
        :
    done
}
run() { # run BUILD
    begin "$1" 12
    finish "$1"
    for finding in sessions inuse grown alloc report process; do
        grep -q "^$finding .*[0-9]" "$folder/summary.txt" || fail "the summary says nothing of $finding"
    done
    exercises/engine/figures.sh 2 "$folder" >"$dir/figures" || fail "the figures cannot be read"
}
expect() { # expect FIGURE AT_LEAST AT_MOST
    awk -v name="$1" -v low="$2" -v high="$3" '$1 == name && $2 >= low && $2 <= high { ok = 1 } END { exit !ok }' "$dir/figures" ||
        fail "$1 is not from $2 to $3: $(grep "^$1 " "$dir/figures")"
}

run reference
expect grown_mb_in_10s 0 3
expect spike_mb 0 5
rm -rf "$folder"
run flawed
expect grown_mb_in_10s 5 100
expect grown_session_new 80 120
expect alloc_page 30 100
expect inuse_page 0 5
expect spike_mb 15 200
expect inuse_report 0 5

# Held up until the load is long over, it reckons with the time that there was a load.
whole=$folder
mv "$whole" "$dir/whole"
begin flawed 6
until [ -s "$(echo exercises/lesson2/profiles/*-"$label"/heap-start.pb.gz)" ]; do sleep 0.1; done
kill -STOP "$run"
until [ -s "$(echo exercises/lesson2/profiles/*-"$label"/load.json)" ]; do sleep 0.5; done
sleep 10
kill -CONT "$run"
finish flawed
[ "$(cat "$folder/seconds.txt")" -le 12 ] || fail "held up, it takes all of $(cat "$folder/seconds.txt") s for times of load"
rm -rf "$folder"
mv "$dir/whole" "$whole"
folder=$whole

printf 'session_new\npage_render\nreport_new\n' | exercises/lesson2/quiz.sh "$folder" >"$dir/out" 2>&1 ||
    fail "the quiz refuses right answers"
yes main | head -n 9 | exercises/lesson2/quiz.sh "$folder" >"$dir/out" 2>&1 && fail "the quiz takes wrong answers"
grep -q 'No. Look: ./profiler/pprof' "$dir/out" || fail "the quiz does not say where to look"

exercises/lesson2/spike.sh --debug http://127.0.0.1:1 >"$dir/out" 2>&1 && fail "spike.sh finds a server where there is none"
grep -q '^workbook: no profiles on http://127.0.0.1:1' "$dir/out" || fail "spike.sh does not say that there is none"

[ "$failed" -eq 0 ] && echo "lesson2_run: all as it should be"
exit "$failed"
