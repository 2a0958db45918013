#!/bin/sh
# The workbook's commands, in a copy of the tree: seeding, checking, hints, reset, watch, progress, solution.
# What is built already is taken along, so that little is compiled again.
top=$(cd "$(dirname "$0")/.." && pwd) || exit 2
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM
unset MAKEFLAGS MFLAGS MAKELEVEL STRICT FORCE
tree=$dir/tree
mkdir "$tree"
cd "$top" || exit 2
(git ls-files -z --cached --others --exclude-standard 2>/dev/null | tr '\0' '\n' || find . -type f) |
    tar -cf - --ignore-failed-read -T - 2>/dev/null | tar -xf - -C "$tree"
if [ -d .build ]; then
    cp -a .build "$tree/.build"
fi
cd "$tree" || exit 2
failed=0

fail() {
    echo "engine: $*"
    sed 's/^/    /' "$dir/out"
    failed=1
}
run() { # run COMMAND…: its output in $dir/out, its exit code in $code
    "$@" >"$dir/out" 2>&1 </dev/null
    code=$?
}
expect() { # expect WHAT CODE [PATTERN…]
    what=$1
    [ "$code" -eq "$2" ] || fail "$what: exit $code, expected $2"
    shift 2
    for pattern in "$@"; do
        grep -q -- "$pattern" "$dir/out" || fail "$what: no line with '$pattern'"
    done
}
mine=exercises/lesson6/cache.c
flawed=demos/lesson6/cache.c

run make lessons
expect 'lessons at first' 0 '^ 6 .*to do: make lesson6'

# Untouched: named as such, exit 1 (which make reports, and exits 2 itself), and never solved.
run make check6
expect 'untouched' 2 'check6. Error 1' 'still the flawed original' 'First failing check: bound_after_every_operation' ' failed$' \
    '^        measured ' '^        allowed ' '^        shows in ' '^        look '
cmp -s "$flawed" "$mine" || fail 'check did not seed the working copy'
run make lessons
expect 'lessons, begun' 0 'started, not changed yet'
run tests/working_copies.sh
expect 'untouched in make check' 77 'to do: lessons 6'
run env STRICT=1 tests/working_copies.sh
expect 'untouched when strict' 1

# What the compiler says is shown, and is about this file alone.
echo 'int broken(' >>"$mine"
run exercises/engine/check.sh 6
expect 'does not compile' 2 "$mine:[0-9]*:[0-9]*: error" 'does not compile yet'
run tests/working_copies.sh
expect 'attempted and wrong in make check' 1
run make lessons
expect 'lessons, changed' 0 'not solved yet'

# A call that never comes back is named.
sed 's/^void cache_stats(/void cache_stats_unused(/' "$flawed" >"$mine"
cat >>"$mine" <<'END'
void cache_stats(struct cache *cache, struct cache_stats *out)
{
    pthread_mutex_lock(&cache->lock);
    cache_stats_unused(cache, out);
}
END
run make -s .build/modules/exercises/lesson6/cache.so .build/modules/exercises/lesson6/cache.counted.so
run env VERDICT_ONLY=bound_after_every_operation VERDICT_WATCHDOG_S=2 .build/checks/lesson6 deadlock .build/modules/demos/lesson6/cache \
    .build/modules/exercises/lesson6/cache
expect 'deadlock' 1 'calls that never came back: cache_stats for' 'look .*VERDICT_ONLY=bound_after_every_operation gdb --args'

# Hints come one by one, and three is all.
for n in 1 2 3 3; do
    run make hint6
    expect "hint $n" 0
    [ "$(grep -c '^## ' "$dir/out")" -eq "$n" ] || fail "hint $n: not $n hints"
done
expect 'fourth hint' 0 'all three'

# The solution is for those who have one.
run exercises/engine/solution.sh 6
expect 'solution too early' 1 'not solved yet'
run make solution6 FORCE=1
expect 'solution by force' 0 'solutions/lesson6/cache.c'

# Reset asks, and keeps what was there.
run exercises/engine/reset.sh 6
expect 'reset unanswered' 1 'nothing was changed'
cp "$mine" "$dir/mine"
echo y | exercises/engine/reset.sh 6 >"$dir/out" 2>&1
cmp -s "$flawed" "$mine" || fail 'reset did not put the original back'
cmp -s "$dir/mine" exercises/lesson6/cache.c.kept-* || fail 'reset did not keep what was there'

# Solved, and remembered for these very bytes.
cp solutions/lesson6/cache.c "$mine"
run make watch6 WATCH_CHECKS=1
expect 'watch' 0 'Lesson 6 is solved' '^9 passed, 0 failed' 'watching exercises/lesson6'
run tests/working_copies.sh
expect 'solved in make check' 0
run make lessons
expect 'lessons, solved' 0 'solved on 20.*(3 of 3 hints)'
echo '/* later */' >>"$mine"
run make lessons
expect 'lessons, changed since' 0 'changed since'
run exercises/engine/solution.sh 6
expect 'solution' 0

# The documents: a cache that mixes up its keys, and sources that are not as they came.
cat >"$mine" <<'END'
#include "base/hash.h"

#include <string.h>
#define strcmp(a, b) 0
#define hash_bytes(bytes, len) ((void)(bytes), (uint64_t)1)
#include "../../tests/wrong/lesson6/almost.h"
END
run exercises/lesson6/extra.sh
expect 'keys mixed up' 1 '^FAIL  json_untouched' 'differ'
cp solutions/lesson6/cache.c "$mine"
if command -v git >/dev/null; then
    git init -q . && git add -A && git -c user.name=test -c user.email=test@localhost commit -qm test
    run exercises/lesson6/extra.sh
    expect 'sources as they came' 0 '^ok    json_untouched'
    echo '/* quicker JSON */' >>demos/lesson6/json.c
    run exercises/lesson6/extra.sh
    expect 'sources changed' 1 '^FAIL  json_untouched' 'changed since they came: demos/lesson6/json.c'
fi

run exercises/engine/check.sh 99
expect 'no such lesson' 2 "there is no lesson '99'"
[ "$failed" -eq 0 ] && echo "engine: all as it should be"
exit "$failed"
