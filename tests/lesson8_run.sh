#!/bin/sh
# Lesson 8's run.sh, quiz.sh and trigger.sh from end to end: the flawed server shows a stranger everything, the repaired one
# nothing, and takes fewer samples; the quiz knows right from wrong; and the trigger collects when it hurts, and only then.
# shellcheck source=exercises/engine/common.sh
. "$(dirname "$0")/../exercises/engine/common.sh"
dir=$(mktemp -d) || exit 2
label=test-$$
server=''
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$dir" exercises/lesson8/profiles/*-"$label"*' EXIT
trap 'exit 130' INT TERM
export WORKBOOK_STATE="$dir/progress"
unset CPROF_TOKEN
# shellcheck source=tests/collecting_common.sh
. tests/collecting_common.sh
number=8 options='--rate 100 --seconds 4' says='[^ ]'
findings='stranger secret labels seconds cost load'

collect repaired reference
expect_figure repaired stranger_pages 0 0
expect_figure repaired secret_pages 0 0
expect_figure repaired codes_seen 0 0
expect_figure repaired long_profile 0 0
expect_figure repaired heap_period 524288 524288
expect_figure repaired cpu_ms_a_ticket 0.001 100
quiet=$(figure repaired heap_samples_a_second)
collect flawed flawed
expect_figure flawed stranger_pages 7 7
expect_figure flawed secret_pages 2 2
expect_figure flawed codes_seen 2 100000
expect_figure flawed long_profile 1 1
expect_figure flawed heap_period 256 256
awk -v many="$(figure flawed heap_samples_a_second)" -v few="$quiet" 'BEGIN { exit !(many > 50 * (few + 1)) }' ||
    fail "not many more samples of the heap: $(figure flawed heap_samples_a_second), and $quiet"
grep -q canary-4711 "$folder/owner-pprofcmdline" || fail "the command line has no canary"

# The quiz: what it takes for right is in the folder.
printf 'owner-vars\n256\nticket\n' | exercises/lesson8/quiz.sh "$folder" >"$dir/out" 2>&1 || fail "the quiz refuses right answers"
yes main | head -n 9 | exercises/lesson8/quiz.sh "$folder" >"$dir/out" 2>&1 && fail "the quiz takes wrong answers"
grep -q "No. Look: ./profiler/pprof -tags .*-flawed/cpu.pb.gz" "$dir/out" || fail "the quiz does not say where to look"

# Of several runs it takes the flawed server's own rate, and not a later one that had no samples of the heap.
later=exercises/lesson8/profiles/9999-01-01_000000-no-heap-$label
cp -R "$folder" "$later"
sed -i 's/^heap_samples_a_second .*/heap_samples_a_second 0/' "$later/figures.txt"
printf 'owner-vars\n256\nticket\n' | exercises/lesson8/quiz.sh >"$dir/out" 2>&1
grep -q "^About $folder\." "$dir/out" || fail "the quiz is about another run"

# Of that one, the summary says that there were none, and nothing of how many bytes lie between them.
sh -c '. exercises/engine/common.sh && lesson_load 8 && . exercises/engine/reading.sh && findings "$1"' . "$later" >"$dir/out"
none='^cost  *no samples of the heap; [0-9.]* ms of CPU for each ticket$'
grep -q "$none" "$dir/out" || fail "the summary of a run without samples of the heap: $(cat "$dir/out")"
rm -rf "$later"

# A flawed run is no repaired one, and the page is held against the bands, too.
exercises/engine/bands.sh 8 "$folder" "$folder" >"$dir/out" 2>&1 && fail "bands.sh finds nothing off"
grep -q '^stranger_pages  *repaired .* off$' "$dir/out" || fail "bands.sh: what a stranger sees passes for repaired"
! grep -q 'the page does not say it' "$dir/out" || fail "bands.sh: the page lacks a band"

# What a sample of each profile costs is measured, and is not nothing; and the bands know it.
exercises/lesson8/cost.sh >"$dir/out" 2>&1 || fail "cost.sh: exit $?"
awk '/^[a-z]+ +[0-9.-]+ us a sample, [0-9.-]+ to [0-9.-]+ in 5 rounds of [1-9][0-9]*$/ && ($2 > 0 || $1 == "block") { names = names " " $1 }
    END { exit names != " cpu heap mutex block threads wall" }' "$dir/out" || fail "cost.sh does not say what samples cost"
cp "$dir/out" "$folder/cost.txt"
exercises/engine/bands.sh 8 "$folder" "$folder" >"$dir/out" 2>&1
[ "$(grep -c '^[a-z]*_sample_us  *flawed  *[0-9.-]' "$dir/out")" -eq 6 ] || fail "bands.sh: what samples cost is missing"

# The server as it is run in earnest: a token, and a socket with a path.
start() { # start OPTION…: of the repaired server
    solutions/lesson8/admin --port 0 "$@" >"$dir/log" 2>&1 &
    server=$!
    tries=0
    until grep -q 'pprof.*debug' "$dir/log" || [ "$tries" -ge 100 ]; do
        tries=$((tries + 1))
        sleep 0.1
    done
    url=$(sed -n 's|^admin: \(http://[^/]*\)/.*|\1|p' "$dir/log")
    debug=$(sed -n "s|.*pprof '\(.*\)/debug/pprof.*|\1|p" "$dir/log")
    cp "$dir/log" "$dir/out"
}
stop() {
    kill -INT "$server"
    wait "$server" || fail "the server ended with $?"
    server=''
}
export CPROF_TOKEN=open-sesame
start --debug 127.0.0.1:0
status_of() { # status_of FETCH_OPTION…
    "$build/fetch" -i "$@" 2>&1 | head -n 1 | cut -d' ' -f2
}
[ "$(status_of "$debug/debug/pprof/heap")" = 401 ] || fail "without a token: no 401"
[ "$(status_of -H 'Authorization: Bearer open-sesame' "$debug/debug/pprof/heap")" = 200 ] || fail "with the token: no 200"
[ "$(status_of -H 'Authorization: Bearer open-sesame' "$debug/debug/pprof/heap?seconds=61")" = 400 ] || fail "61 s: no 400"
./profiler/pprof -top "$debug/debug/pprof/threads" >"$dir/out" 2>&1 || fail "pprof cannot read it"
stop
unset CPROF_TOKEN
start --debug "unix:$dir/debug.sock"
[ "$(status_of -u "$dir/debug.sock" http://admin/debug/pprof/heap)" = 200 ] || fail "through the socket: no 200"
./profiler/pprof -top "unix:$dir/debug.sock/debug/pprof/threads" >"$dir/out" 2>&1 || fail "pprof cannot read through the socket"
stop
[ ! -e "$dir/debug.sock" ] || fail "the socket is left behind"

# The trigger.
trigger() {
    exercises/lesson8/trigger.sh --url "$url" --debug "$debug" --into "$dir/triggered" --every 1 --seconds 1 --hold-off 0 "$@" \
        >"$dir/out" 2>&1
}
export CPROF_TOKEN=open-sesame
start --debug 127.0.0.1:0
trigger --threads 1 --keep 1 --times 2 || fail "the trigger: exit $?"
[ "$(grep -c 'threads, above 1: collecting' "$dir/out")" -eq 2 ] || fail "the trigger does not say why it collects"
set -- "$dir/triggered"/*
[ $# -eq 1 ] || fail "of two folders with --keep 1 there are $#"
for file in cpu.pb.gz heap.pb.gz threads.pb.gz mutex.pb.gz block.pb.gz triage.txt; do
    [ -e "$1/$file" ] || fail "the folder has no $file"
done
./profiler/pprof -triage "$1" >"$dir/again" 2>&1 || fail "the folder does not open again"
rm -rf "$dir/triggered"
for i in 1 2 3 4 5 6 7 8 9; do
    "$build/fetch" "$url/ticket/$i" 2>&1 | grep -q '^signed [0-9a-f]*$' || fail "ticket $i is not signed"
done
trigger --p95-ms 0 --times 1 || fail "the trigger: exit $?"
grep -q ' p95 is .* ms, above 0: collecting' "$dir/out" || fail "the trigger does not see p95"
rm -rf "$dir/triggered"
timeout 3 exercises/lesson8/trigger.sh --url "$url" --debug "$debug" --into "$dir/triggered" --threads 5000 --p95-ms 60000 >"$dir/out" 2>&1
[ $? -eq 124 ] || fail "the trigger ended by itself"
[ -z "$(ls "$dir/triggered")" ] || fail "the trigger collects though nothing hurts"
stop
for wrong in '' '--p95-ms x' '--threads' '--wrong 1' '--threads 1'; do
    # shellcheck disable=SC2086 # an option and its value
    exercises/lesson8/trigger.sh --url http://127.0.0.1:1 $wrong >"$dir/out" 2>&1
    [ $? -eq 2 ] || fail "trigger.sh $wrong: no exit 2"
    [ "$(grep -c '^workbook: ' "$dir/out")" -eq 1 ] || fail "trigger.sh $wrong: no single line"
done

[ "$failed" -eq 0 ] && echo "lesson8_run: all as it should be"
exit "$failed"
