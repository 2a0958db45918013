#!/bin/sh
# Lesson 6's run.sh, quiz.sh and bands.sh from end to end, with a small load: the folder is complete, every
# profile in it is read, the quiz knows right from wrong, a band that is off is found, and so are changed documents.
# In a copy of the tree, where there is no learner's work to spoil.
# shellcheck source=tests/tree_common.sh
. "$(dirname "$0")/tree_common.sh"
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM
copy_tree "$dir/tree"
label=test-$$

# Nobody there, and nonsense: one clear line.
for wrong in '--url http://127.0.0.1:1' '--seconds x' '--build mine' '--wrong 1' '--seconds'; do
    # shellcheck disable=SC2086 # an option and its value
    exercises/lesson6/run.sh $wrong >"$dir/out" 2>&1 </dev/null
    [ $? -eq 2 ] || fail "run.sh $wrong: no exit 2"
    [ "$(grep -c '^workbook: ' "$dir/out")" -eq 1 ] || fail "run.sh $wrong: no single line"
done

# A prediction is kept, and shown beside what is found.
echo 'the encoder, I think' | make predict6 >"$dir/out" 2>&1 || fail "make predict6 does not take a prediction"
exercises/lesson6/run.sh --build flawed --seconds 4 --rate 300 --label "$label" \
    --url http://127.0.0.1:0 --debug http://127.0.0.1:0 >"$dir/out" 2>&1 </dev/null
code=$?
for folder in exercises/lesson6/profiles/*-"$label"; do
    :
done
if [ "$code" -ne 0 ]; then
    fail "run.sh: exit $code"
    exit 1
fi
for file in cpu.pb.gz heap-start.pb.gz heap.pb.gz threads.pb.gz threads.txt mutex.pb.gz block.pb.gz stats.json \
    load.json summary.txt; do
    [ -s "$folder/$file" ] || fail "run.sh left no $file"
done
grep -q '^predicted  the encoder, I think$' "$folder/summary.txt" || fail "the summary lacks the prediction"
for finding in cpu heap threads mutex block gateway load; do
    grep -q "^$finding  .*[0-9]" "$folder/summary.txt" || fail "the summary says nothing of $finding"
done
for figure in heap_answers heap_mb cache_entries threads p95_ms; do
    exercises/engine/figures.sh 6 "$folder" | grep -q "^$figure [1-9]" || fail "$figure was not measured"
done

# Which function is first among the few samples of such a load is chance; the figure is what the profile says.
row=$(./profiler/pprof -top "$folder/cpu.pb.gz" 2>/dev/null |
    awk 'seen { print $6, $2; exit } $1 == "flat" && $2 == "flat%" { seen = 1 }')
first=${row% *}
case $first in
'') fail "the CPU profile is empty" ;;
json_*) json=${row##* } ;;
*) json=0% ;;
esac
exercises/engine/figures.sh 6 "$folder" | grep -qxF "cpu_json_flat ${json%\%}" || fail "cpu_json_flat is not ${json%\%}"

# The quiz: what it takes for right is what pprof prints.
printf '%s\nanswer_new\ncache_evict\n' "$first" | exercises/lesson6/quiz.sh "$folder" >"$dir/out" 2>&1 ||
    fail "the quiz refuses right answers"
printf 'main\nmain\nmain\nmain\nmain\nmain\nmain\nmain\nmain\n' | exercises/lesson6/quiz.sh "$folder" >"$dir/out" 2>&1 &&
    fail "the quiz takes wrong answers"
grep -q 'No. Look: ./profiler/pprof' "$dir/out" || fail "the quiz does not say where to look"
grep -q "It is $first" "$dir/out" || fail "the quiz does not tell the answer in the end"

# Before and after: figures were noted over time, and a run of one's own is asked for before it is compared.
for figure in threads waiting p95_ms heap cache_entries; do
    [ "$(grep -c "^[0-9]* $figure [0-9][0-9.]*$" "$folder/timeline.txt")" -ge 1 ] || fail "timeline.txt: $figure was not noted over time"
done
exercises/engine/report.sh 6 >"$dir/out" 2>&1 && fail "report6 without runs: no error"
grep -q '^workbook: no run of --build flawed is saved yet: run exercises/lesson6/run.sh --build flawed first$' "$dir/out" ||
    fail "report6 does not say what is to be run"
cp -r "$folder" exercises/lesson6/profiles/2026-01-01_000000-flawed
exercises/engine/report.sh 6 >"$dir/out" 2>&1 && fail "report6 without a run of one's own: no error"
grep -q '^workbook: no run of --build yours .*run.sh --build yours first$' "$dir/out" || fail "report6 does not say whose run is missing"
cp -r "$folder" exercises/lesson6/profiles/2026-01-02_000000-yours
make report6 >"$dir/out" 2>&1 || fail "report6 does not make its page"
grep -q '"name":"2026-01-01_000000-flawed".*"name":"2026-01-02_000000-yours".*"flames":{"cpu"' exercises/lesson6/report.html || fail "report6: the page lacks a run"
make report6 BEFORE=exercises/lesson6/nowhere >"$dir/out" 2>&1 && fail "report6 of no folder: no error"
[ -s exercises/lesson6/report.html ] || fail "report6 that fails leaves no page"

# Such a small load is out of the bands, and the page is held against them, too.
exercises/engine/bands.sh 6 "$folder" "$folder" >"$dir/out" 2>&1 && fail "bands.sh finds nothing off"
grep -q '^p95_ms  *flawed .* off$' "$dir/out" || fail "bands.sh: p95 is not off"
! grep -q 'the page does not say it' "$dir/out" || fail "bands.sh: the page lacks a band"

# The documents: a cache that mixes up its keys, and sources that are not as they came.
mine=exercises/lesson6/cache.c
cat >"$mine" <<'END'
#include "base/hash.h"

#include <string.h>
#define strcmp(a, b) 0
#define hash_bytes(bytes, len) ((void)(bytes), (uint64_t)1)
#include "../../tests/wrong/lesson6/almost.h"
END
extra() { # extra CODE PATTERN…
    exercises/lesson6/extra.sh >"$dir/out" 2>&1
    [ $? -eq "$1" ] || fail "extra.sh: no exit $1"
    shift
    for pattern in "$@"; do
        grep -q -- "$pattern" "$dir/out" || fail "extra.sh: no line with '$pattern'"
    done
}
extra 1 '^FAIL  json_untouched' 'differ'
cp solutions/lesson6/cache.c "$mine"
if command -v git >/dev/null; then
    git init -q . && git add -A && git -c user.name=test -c user.email=test@localhost commit -qm test
    extra 0 '^ok    json_untouched'
    echo '/* quicker JSON */' >>demos/lesson6/json.c
    extra 1 '^FAIL  json_untouched' 'changed since they came: demos/lesson6/json.c'
fi

[ "$failed" -eq 0 ] && echo "lesson6_run: all as it should be"
exit "$failed"
