#!/bin/sh
# Lesson 1's run.sh and quiz.sh from end to end, with a small load: the profile is there, its figures are those that
# pprof prints, and the quiz knows right from wrong.
# shellcheck source=exercises/engine/common.sh
. "$(dirname "$0")/../exercises/engine/common.sh"
dir=$(mktemp -d) || exit 2
folder=''
trap 'rm -rf "$dir" ${folder:+"$folder"}' EXIT
trap 'exit 130' INT TERM
export WORKBOOK_STATE="$dir/progress"
label=test-$$
failed=0

fail() {
    echo "lesson1_run: $*"
    sed 's/^/    /' "$dir/out"
    failed=1
}

exercises/lesson1/run.sh --build flawed --seconds 4 --label "$label" \
    --url http://127.0.0.1:0 --debug http://127.0.0.1:0 >"$dir/out" 2>&1 </dev/null
code=$?
for folder in exercises/lesson1/profiles/*-"$label"; do
    :
done
if [ "$code" -ne 0 ]; then
    fail "run.sh: exit $code"
    exit 1
fi
for finding in flat caller cum cpu load; do
    grep -q "^$finding  .*[0-9a-z]" "$folder/summary.txt" || fail "the summary says nothing of $finding"
done
for figure in cpu_libc_flat cpu_append cpu_escape request_cpu_ms p95_ms; do
    exercises/engine/figures.sh 1 "$folder" | grep -q "^$figure [0-9]*[1-9]" || fail "$figure was not measured"
done
cum=$(./profiler/pprof -top -cum "$folder/cpu.pb.gz" 2>/dev/null | awk '$6 == "escape_json" { print $5 }')
exercises/engine/figures.sh 1 "$folder" | grep -qxF "cpu_escape ${cum%\%}" || fail "cpu_escape is not ${cum%\%}"

# The worked example stands on these names, whatever of libc's debug information is installed here.
first=$(./profiler/pprof -top "$folder/cpu.pb.gz" 2>/dev/null |
    awk 'seen { print $6; exit } $1 == "flat" && $2 == "flat%" { seen = 1 }')
case $first in
memcpy | strlen) ;;
*) fail "$first is first by flat time, not memcpy or strlen" ;;
esac

printf '%s\nappend_piece\nwrite_string\n' "$first" | exercises/lesson1/quiz.sh "$folder" >"$dir/out" 2>&1 ||
    fail "the quiz refuses right answers"
yes main | head -n 9 | exercises/lesson1/quiz.sh "$folder" >"$dir/out" 2>&1 && fail "the quiz takes wrong answers"
grep -q 'No. Look: ./profiler/pprof' "$dir/out" || fail "the quiz does not say where to look"
grep -q 'It is append_piece' "$dir/out" || fail "the quiz does not tell the answer in the end"

[ "$failed" -eq 0 ] && echo "lesson1_run: all as it should be"
exit "$failed"
