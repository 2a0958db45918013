#!/bin/sh
# The workbook's commands, in a copy of the tree, as a learner of the first lesson uses them: predicting, seeding,
# checking, hints, reset, watch, progress, solution. What is built already is taken along.
# shellcheck source=tests/tree_common.sh
. "$(dirname "$0")/tree_common.sh"
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM
copy_tree "$dir/tree"
numbers=$(for conf in exercises/lesson*/lesson.conf; do echo "$conf" | tr -cd '0-9\n'; done | sort -n)
n=$(echo "$numbers" | head -n 1)
last=$(echo "$numbers" | tail -n 1)
fact() { # fact LESSON NAME: of its lesson.conf
    (. "./exercises/lesson$1/lesson.conf" && eval "echo \"\$$2\"")
}
module=$(fact "$n" MODULES | cut -d' ' -f1)
first=$(fact "$n" FLAWED_FAILS | cut -d' ' -f1)
mine=exercises/lesson$n/$module
flawed=demos/lesson$n/$module

run make lessons
expect 'lessons at first' 0 "^ $n .*to do: make lesson$n"
echo 'it is the JSON' | exercises/engine/predict.sh "$n" >"$dir/out"
grep -q "^lesson$n prediction it is the JSON" exercises/.progress || fail 'the prediction is not kept'
run exercises/engine/predict.sh "$n"
expect 'nothing predicted' 1 'You said: it is the JSON' 'nothing was noted'

# Untouched: named as such, exit 1 (which make reports, and exits 2 itself), and never solved. In the lesson's own
# folder make works as well.
run make "check$n"
expect 'untouched' 2 "check$n. Error 1" 'still the flawed original' "First failing check: $first" ' failed$' \
    '^        measured ' '^        allowed ' '^        shows in ' '^        look '
cmp -s "$flawed" "$mine" || fail 'check did not seed the working copy'
run make -C "exercises/lesson$n" lessons
expect 'lessons, begun, from the folder' 0 'started, not changed yet'
run tests/working_copies.sh
expect 'untouched in make check' 77 "to do: lessons.* $n"
run env STRICT=1 tests/working_copies.sh
expect 'untouched when strict' 1

# What the compiler says is shown, and is about this file alone. make check says so and goes on.
echo 'int broken(' >>"$mine"
run make "watch$n" WATCH_CHECKS=1
expect 'does not compile' 0 "$mine:[0-9]*:[0-9]*: error" 'does not compile yet' "watching exercises/lesson$n"
run env VERDICT_ONLY=none tests/working_copies.sh
expect 'attempted and wrong in make check' 1 "$mine:[0-9]*:[0-9]*: error"
run exercises/engine/lessons.sh
expect 'lessons, changed' 0 'not solved yet'
if [ "$n" != "$last" ]; then
    run env VERDICT_ONLY=none exercises/engine/check.sh "$last"
    ! grep -q "lesson$n\|error" "$dir/out" || fail "the check of lesson $last speaks of lesson $n"
    theirs=$(fact "$last" MODULES | cut -d' ' -f1)
    echo '/* attempted */' >>"exercises/lesson$last/$theirs"
    run env VERDICT_ONLY=none tests/working_copies.sh
    expect 'goes on after a broken copy' 1 "$mine:[0-9]*:[0-9]*: error" '^That was none alone' "working copies: lessons $last pass, $n fail"
    rm "exercises/lesson$last/$theirs"
fi

# Before and after: of what was saved, which is nothing yet.
run make "report$n"
expect 'report without runs' 2 "^workbook: no run of --build flawed is saved yet: run exercises/lesson$n/run.sh --build flawed first"

# Editors: JSON with an entry for each file, a learner's copies included, and commands that compile.
run make compile_commands.json
entries=$(grep -c '"file": ' compile_commands.json)
files=$(find profiler demos exercises solutions tests .build/profile.pb-c.c -name '*.c' | wc -l)
[ "$entries" -eq "$files" ] || fail "compile_commands.json has $entries entries for $files files"
for file in profiler/model/decode.c "$flawed" tests/test_graph.c; do
    arguments=$(sed -n "s|.*\"file\": \"$file\", \"arguments\": \[\(.*\)\]}.*|\1|p" compile_commands.json | tr -d '",')
    # shellcheck disable=SC2086 # words
    run ${arguments:-false} -fsyntax-only
    expect "compile_commands.json, $file" 0
done

# Hints come one by one, and three is all.
for hints in 1 2 3 3; do
    run exercises/engine/hint.sh "$n"
    expect "hint $hints" 0
    [ "$(grep -c '^## ' "$dir/out")" -eq "$hints" ] || fail "hint $hints: not $hints hints"
done
expect 'fourth hint' 0 'all three'

# The solution is for those who have one.
run exercises/engine/solution.sh "$n"
expect 'solution too early' 1 'not solved yet'
run make "solution$n" FORCE=1
expect 'solution by force' 0 "solutions/lesson$n/$module"

# Reset asks, and keeps what was there.
run exercises/engine/reset.sh "$n"
expect 'reset unanswered' 1 'nothing was changed'
cp "$mine" "$dir/mine"
echo y | exercises/engine/reset.sh "$n" >"$dir/out" 2>&1
cmp -s "$flawed" "$mine" || fail 'reset did not put the original back'
cmp -s "$dir/mine" "$mine".kept-* || fail 'reset did not keep what was there'

# Solved, and remembered for these very bytes; by all of the checks and not by one.
cp "solutions/lesson$n"/*.c "exercises/lesson$n/"
run env VERDICT_ONLY="$first" exercises/engine/check.sh "$n"
expect 'one check alone' 0 "^That was $first alone" '^1 passed, 0 failed'
run exercises/engine/solution.sh "$n"
expect 'solution after one check' 1 'not solved yet'
run tests/working_copies.sh
expect 'solved in make check' 0 "Lesson $n is solved" '^[0-9]* passed, 0 failed'
run exercises/engine/lessons.sh
expect 'lessons, solved' 0 'solved on 20.*, 3 of 3 hints'
echo '/* later */' >>"$mine"
run exercises/engine/lessons.sh
expect 'lessons, changed since' 0 'changed since'
run exercises/engine/solution.sh "$n"
expect 'solution' 0

# A call that never comes back is named, and where its thread stands: here it waits for a lock that it holds.
hung=exercises/lesson6/cache.c
sed 's/^void cache_stats(/static void read_stats(/' solutions/lesson6/cache.c >"$hung"
cat >>"$hung" <<'END'
void cache_stats(struct cache *cache, struct cache_stats *out)
{
    pthread_mutex_lock(&cache->lock);
    read_stats(cache, out);
}
END
run env VERDICT_ONLY=bound_after_every_operation VERDICT_WATCHDOG_S=1 exercises/engine/check.sh 6
expect 'deadlock' 1 'calls that never came back: cache_stats for' 'look .*VERDICT_ONLY=bound_after_every_operation gdb --args' \
    'thread [0-9]* \[mutex wait, .* held by [0-9]* "lesson6"' '^ *read_stats  *exercises/lesson6/cache.c:[0-9]*$' '^ *cache_stats  *exercises/lesson6/cache.c:'

run exercises/engine/check.sh 99
expect 'no such lesson' 2 "there is no lesson '99'"
# shellcheck disable=SC2031 # in subshells of other scripts alone
[ "$failed" -eq 0 ] && echo "engine: all as it should be"
# shellcheck disable=SC2031
exit "$failed"
