#!/bin/sh
# Lesson 7's run.sh and quiz.sh from end to end: the flawed server keeps all and grows, with --budget-mb 0 it keeps none
# and works the more for it, the repaired one stays within its budget; and the quiz knows right from wrong.
# shellcheck source=exercises/engine/common.sh
. "$(dirname "$0")/../exercises/engine/common.sh"
dir=$(mktemp -d) || exit 2
label=test-$$
trap 'rm -rf "$dir" exercises/lesson7/profiles/*-"$label"*' EXIT
trap 'exit 130' INT TERM
export WORKBOOK_STATE="$dir/progress"
# shellcheck source=tests/collecting_common.sh
. tests/collecting_common.sh
number=7 options='--rate 120' says='.*[0-9]'
findings='cpu heap tiles together load'

collect repaired reference
expect_figure repaired tiles_mb 0 2.5
expect_figure repaired rendered 1 70
collect nothing flawed --budget-mb 0
nothing=$folder
expect_figure nothing kept 0 0
expect_figure nothing rendered 100 100
collect all flawed
expect_figure all tiles_mb 4 40
expect_figure all grown_mb_in_10s 2 40
expect_figure all rendered 5 60
awk -v all="$(figure all cpu_ms_a_tile)" -v nothing="$(figure nothing cpu_ms_a_tile)" 'BEGIN { exit !(nothing > 1.3 * all) }' ||
    fail "to keep nothing costs no more CPU: $(figure nothing cpu_ms_a_tile) ms a tile, and $(figure all cpu_ms_a_tile)"

# The quiz: what it takes for right is what pprof prints.
first=$(./profiler/pprof -top "$folder/cpu.pb.gz" 2>/dev/null |
    awk 'seen { print $6; exit } $1 == "flat" && $2 == "flat%" { seen = 1 }')
printf '%s\nkept_new\nterrain_render\n' "$first" | exercises/lesson7/quiz.sh "$folder" >"$dir/out" 2>&1 ||
    fail "the quiz refuses right answers"
yes main | head -n 9 | exercises/lesson7/quiz.sh "$folder" >"$dir/out" 2>&1 && fail "the quiz takes wrong answers"
grep -q "No. Look: ./profiler/pprof -top -cum -diff_base .*-all/cpu.pb.gz $nothing/cpu.pb.gz" "$dir/out" ||
    fail "the quiz does not say where to look"

# A flawed run is no repaired one, and the page is held against the bands, too.
exercises/engine/bands.sh 7 "$folder" "$folder" >"$dir/out" 2>&1 && fail "bands.sh finds nothing off"
grep -q '^tiles_mb  *repaired .* off$' "$dir/out" || fail "bands.sh: what the flawed one keeps passes for a repaired one's"
! grep -q 'the page does not say it' "$dir/out" || fail "bands.sh: the page lacks a band"

[ "$failed" -eq 0 ] && echo "lesson7_run: all as it should be"
exit "$failed"
