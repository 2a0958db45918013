#!/bin/sh
# Lesson 9 as a learner goes through it, in a copy of the tree: a case is begun by its seed, the fix waits for the diagnosis,
# wrong diagnoses are refused for what is wrong with them, a right one opens the checks, hints fit the flaw, and another case
# keeps the copy of the last.
# shellcheck source=tests/tree_common.sh
. "$(dirname "$0")/tree_common.sh"
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM
copy_tree "$dir/tree"
label='test'
here=exercises/lesson9

diagnose() { # diagnose PROFILE FUNCTION REASON
    printf '%s\n%s\n%s\n' "$1" "$2" "$3" >"$dir/answers"
    $here/quiz.sh <"$dir/answers" >"$dir/out" 2>&1
    code=$?
}
truth() {
    $here/case.sh truth "$seed" "$1"
}

# A case whose flaw shows within seconds, whatever the machine: threads.
seed=1
until [ "$(truth check)" = threads_at_rest ]; do
    seed=$((seed + 1))
done
run make lesson9 SEED=$seed
expect 'begin' 0 "^case $seed;" 'made exercises/lesson9/incident.c'
grep -q "Case $seed\." $here/incident.c || fail 'the copy is of another case'
run make lesson9 SEED=x
expect 'no seed' 2 "a seed is a number from 1 to 999999, not 'x'"

# Neither profiles nor diagnosis yet.
run exercises/engine/check.sh 9
expect 'untouched' 1 '^FAIL  diagnosis' 'still the flawed original' '^0 passed, 1 failed$' 'run.sh --build flawed, then'
! grep -q "$(truth check)" "$dir/out" || fail 'the check says what the flaw is'
run $here/quiz.sh
expect 'no profiles' 2 'there are no saved profiles yet: exercises/lesson9/run.sh --build flawed'
make -s solutions/lesson9/incident.c
cp solutions/lesson9/incident.c $here/incident.c
run exercises/engine/check.sh 9
expect 'a fix without a diagnosis' 1 '^FAIL  diagnosis' 'First failing check: diagnosis'

run $here/run.sh --build reference --seconds 6 --label $label-healthy --url http://127.0.0.1:0 --debug http://127.0.0.1:0
expect 'run.sh, reference' 0 'kept in'
run $here/quiz.sh
expect 'only profiles of the reference' 2 "is not of the flawed server of case $seed: exercises/lesson9/run.sh --build flawed"
run $here/run.sh --build flawed --seconds 7 --label $label --url http://127.0.0.1:0 --debug http://127.0.0.1:0
expect 'run.sh, flawed' 0 'kept in'
for folder in "$here"/profiles/*-"$label"; do
    :
done
for file in cpu.pb.gz heap-start.pb.gz heap.pb.gz threads.pb.gz threads.txt mutex.pb.gz block.pb.gz stats.json load.json summary.txt; do
    [ -s "$folder/$file" ] || fail "run.sh left no $file"
done
for sign in cpu heap threads mutex block wakeups load; do
    grep -q "^$sign  *.*[0-9]" "$folder/summary.txt" || fail "the summary says nothing of $sign"
done
! grep -q "$(truth functions | cut -d' ' -f1)" "$folder/summary.txt" || fail 'the summary names the culprit'
grep -q '^culprit_rank [123]$' "$folder/figures.txt" || fail "the culprit is not among the first three"

# What is wrong with a wrong diagnosis.
culprit=$(truth functions | cut -d' ' -f1)
busiest=$(./profiler/pprof -top -show=incident.c "$folder/cpu.pb.gz" 2>/dev/null | awk 'seen { print $6; exit } $1 == "flat" && $2 == "flat%" { seen = 1 }')
diagnose gpu "$culprit" threads-never-end
expect 'no such profile' 1 "No profile is called 'gpu'" '^0 of 1 right'
diagnose threads incident_new threads-never-end
expect 'no such row' 1 "'incident_new' is none of the first 3: .*$culprit.* Look: ./profiler/pprof -top -show=incident.c .*threads.pb.gz"
diagnose cpu "$busiest" quadratic
expect 'busy and blameless' 1 "'$busiest' has its place in your cpu profile"
diagnose threads "$culprit" deadlock
expect 'another reason' 1 "but if it were deadlock, then some jobs would never be answered"
diagnose threads "$culprit" gremlins
expect 'no reason' 1 "'gremlins' is none of the reasons"
run exercises/engine/check.sh 9
expect 'after wrong ones' 1 'measured  5 submitted, none of them right'
diagnose threads "$culprit" threads-never-end
expect 'right' 0 "That is it: threads-never-end, in $culprit" '^1 of 1 right'

# Now the checks: of the original, which fails its own, and of the reference.
run exercises/engine/check.sh 9
expect 'the reference' 0 '^12 passed, 0 failed' 'Lesson 9 is solved'
run make lessons
expect 'lessons' 0 '^ 9 .*solved on .*quiz right at attempt 6'
echo y | exercises/engine/reset.sh 9 >"$dir/out" 2>&1
run exercises/engine/check.sh 9
expect 'the original' 1 "First failing check: $(truth check)" '^11 passed, 1 failed'
run exercises/engine/hint.sh 9
expect 'a hint' 0 '^## 1. Which sign is off' 'Two signs speak of threads'

# Another case: the copy is kept, and nothing of the last one holds.
echo '/* mine */' >>$here/incident.c
run make lesson9 SEED=$((seed + 1))
expect 'another case' 0 "^kept your copy of case $seed" "^case $((seed + 1));"
grep -q '/\* mine \*/' $here/incident.c.kept-*-seed-$seed || fail 'the copy is not kept'
run $here/before.sh
expect 'the next diagnosis' 1 "case $((seed + 1))\$" '0 submitted'
rm -f $here/incident.c
run make lesson9
expect 'one is drawn' 0 '^case [0-9]*;'

# The page has the bands.
run exercises/engine/bands.sh 9 "$folder" "$folder"
! grep -q 'the page does not say it' "$dir/out" || fail "bands.sh: the page lacks a band"
grep -q '^threads  *repaired .* off$' "$dir/out" || fail "bands.sh: the threads of the flawed one pass for a repaired one's"
[ "$failed" -eq 0 ] && echo "lesson9_run: all as it should be"
exit "$failed"
