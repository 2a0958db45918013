#!/bin/sh
# Lesson 5's run.sh, quiz.sh and bands.sh from end to end: the folder is complete, the two p99 contradict each other,
# what is timed is not in the profile, the quiz knows right from wrong, and a band that is off is found. In a copy of
# the tree, where there is no learner's work to spoil.
# shellcheck source=tests/tree_common.sh
. "$(dirname "$0")/tree_common.sh"
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM
copy_tree "$dir/tree"
label=test-$$

# Nonsense: one clear line.
for wrong in '--seconds 11' '--build mine' '--wrong 1' '--seconds'; do
    # shellcheck disable=SC2086 # an option and its value
    exercises/lesson5/run.sh $wrong >"$dir/out" 2>&1 </dev/null
    [ $? -eq 2 ] || fail "run.sh $wrong: no exit 2"
    [ "$(grep -c '^workbook: ' "$dir/out")" -eq 1 ] || fail "run.sh $wrong: no single line"
done

exercises/lesson5/run.sh --seconds 12 --label "$label" --url http://127.0.0.1:0 --debug http://127.0.0.1:0 \
    >"$dir/out" 2>&1 </dev/null
code=$?
for folder in exercises/lesson5/profiles/*-"$label"; do
    :
done
if [ "$code" -ne 0 ]; then
    fail "run.sh: exit $code"
    exit 1
fi
for file in cpu.pb.gz mutex.pb.gz block.pb.gz stats.json load.json server.log summary.txt; do
    [ -s "$folder/$file" ] || fail "run.sh left no $file"
done
for finding in report load cpu mutex; do
    grep -q "^$finding  .*[0-9]" "$folder/summary.txt" || fail "the summary says nothing of $finding"
done

exercises/engine/figures.sh 5 "$folder" >"$dir/out"
figure() {
    sed -n "s/^$1 //p" "$dir/out"
}
[ "$(figure cpu_tariff)" = 0 ] || fail "prices are computed after all"
awk -v report="$(figure report_p99_ms)" -v load="$(figure load_p99_ms)" 'BEGIN { exit !(report > 0 && load > 3 * report) }' ||
    fail "the load's p99 is not the larger by far"

# The quiz: what it takes for right is what pprof prints.
first=$(./profiler/pprof -top -focus=measure_calls "$folder/cpu.pb.gz" 2>/dev/null |
    awk 'seen { print $6; exit } $1 == "flat" && $2 == "flat%" { seen = 1 }')
printf '%s\n0\nrates_refresh\n' "$first" | exercises/lesson5/quiz.sh "$folder" >"$dir/out" 2>&1 ||
    fail "the quiz refuses right answers"
printf 'main\nmain\nmain\n1\n1\n1\nmain\nmain\nmain\n' | exercises/lesson5/quiz.sh "$folder" >"$dir/out" 2>&1 &&
    fail "the quiz takes wrong answers"
grep -q 'No. Look: ./profiler/pprof' "$dir/out" || fail "the quiz does not say where to look"
grep -q 'It is rates_refresh' "$dir/out" || fail "the quiz does not tell the answer in the end"

# A flawed run is no repaired one, and the page is held against the bands, too.
exercises/engine/bands.sh 5 "$folder" "$folder" >"$dir/out" 2>&1 && fail "bands.sh finds nothing off"
grep -q '^report_p99_ms  *repaired .* off$' "$dir/out" || fail "bands.sh: the flawed p99 passes for a repaired one"
! grep -q 'the page does not say it' "$dir/out" || fail "bands.sh: the page lacks a band"

[ "$failed" -eq 0 ] && echo "lesson5_run: all as it should be"
exit "$failed"
