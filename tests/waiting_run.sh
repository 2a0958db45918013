#!/bin/sh
# run.sh, figures, quiz.sh and bands.sh of lessons 3 and 4 from end to end: the folder is complete, the symptom is in it,
# the quiz knows right from wrong, and a band that is off is found.
# shellcheck source=exercises/engine/common.sh
. "$(dirname "$0")/../exercises/engine/common.sh"
dir=$(mktemp -d) || exit 2
folders=''
# shellcheck disable=SC2086 # a list of folders
trap 'rm -rf "$dir" $folders' EXIT
trap 'exit 130' INT TERM
export WORKBOOK_STATE="$dir/progress"
label=test-$$
failed=0

fail() {
    echo "waiting_run: lesson $which: $*"
    sed 's/^/    /' "$dir/out"
    failed=1
}

run_flawed() { # run_flawed SECONDS FILE…: sets folder
    exercises/"lesson$which"/run.sh --build flawed --seconds "$1" --label "$label" \
        --url http://127.0.0.1:0 --debug http://127.0.0.1:0 >"$dir/out" 2>&1 </dev/null || fail "run.sh: exit $?"
    for folder in exercises/"lesson$which"/profiles/*-"$label"; do
        folders="$folders $folder"
    done
    shift
    for file in "$@" stats.json summary.txt figures.txt; do
        [ -s "$folder/$file" ] || fail "run.sh left no $file"
    done
}

quiz() { # quiz RIGHT…: the answers it is to take, and then wrong ones
    printf '%s\n' "$@" | exercises/"lesson$which"/quiz.sh "$folder" >"$dir/out" 2>&1 || fail "the quiz refuses right answers"
    yes main | head -n 20 | exercises/"lesson$which"/quiz.sh "$folder" >"$dir/out" 2>&1 && fail "the quiz takes wrong answers"
    grep -q "It is $1" "$dir/out" || fail "the quiz does not tell the answer in the end"
}

# bands FIGURE: with the flawed server in the place of the repaired one, that figure is off, and the page has all bands
bands() {
    exercises/engine/bands.sh "$which" "$folder" "$folder" >"$dir/out" 2>&1 && fail "bands.sh finds nothing off"
    grep -q "^$1  *repaired .* off\$" "$dir/out" || fail "bands.sh: $1 is not off"
    ! grep -q 'the page does not say it' "$dir/out" || fail "bands.sh: the page lacks a band"
}

which=3
run_flawed 10 threads-night.pb.gz threads-night.txt threads.pb.gz threads.txt cpu.pb.gz
grep -qx 'workers_waiting 16' "$folder/figures.txt" || fail "not all workers wait"
quiz next_group start_watcher wait_for_group
bands workers_waiting

which=4
run_flawed 8 mutex.pb.gz block.pb.gz threads.txt cpu.pb.gz load.json
grep -q '^threads_in_lock [1-9]' "$folder/figures.txt" || fail "nobody waits for a lock"
often=$(./profiler/pprof -top -hide='^pthread_' -sample_index=contentions "$folder/mutex.pb.gz" 2>/dev/null |
    awk 'seen { print $6; exit } $1 == "flat" { seen = 1 }')
quiz "$often" stats_end audit_append
bands threads_in_lock

[ "$failed" -eq 0 ] && echo "waiting_run: all as it should be"
exit "$failed"
