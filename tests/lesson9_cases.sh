#!/bin/sh
# What decides the cases of lesson 9: the seed, all of it and nothing else. Each flaw there is comes up, each under several
# names; the original differs from the reference in one step alone, and says nothing of it.
# shellcheck source=exercises/engine/common.sh
. "$(dirname "$0")/../exercises/engine/common.sh"
case_sh=exercises/lesson9/case.sh
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM
failed=0

fail() {
    echo "lesson9_cases: $*"
    failed=1
}

# Each flaw comes up, and its culprit has several names.
flaws=$(sed -n 's/^\([a-z][a-z]*\)  *\([a-z_]*\) .*/\2/p' exercises/lesson9/flaws.txt)
seed=0
while [ "$seed" -lt 100 ]; do
    seed=$((seed + 1))
    awk -v seed=$seed -v what=truth -f exercises/lesson9/case.awk exercises/lesson9/words.txt exercises/lesson9/flaws.txt
done | awk '$1 == "check" { check = $2 } $1 == "functions" { print check, $2 }' >"$dir/drawn"
for check in $flaws; do
    names=$(sed -n "s/^$check //p" "$dir/drawn" | sort -u | wc -l)
    [ "$names" -ge 2 ] || fail "in 100 cases, $check has $names names"
done

for seed in 1 2 77 999999; do
    for kind in flawed reference; do
        $case_sh module $seed $kind >"$dir/$kind" || fail "no module $seed $kind"
        $case_sh module $seed $kind | cmp -s - "$dir/$kind" || fail "seed $seed gives two of $kind"
        ! grep -niE 'flaw|health|starv|convoy|churn|leak|quadratic|busy|[@%](if|end|else|insert)|@[a-z]' "$dir/$kind" ||
            fail "the module of seed $seed says too much"
    done
    for name in $($case_sh truth $seed functions); do
        grep -q "[ *]$name(" "$dir/flawed" || fail "seed $seed: there is no $name"
    done
    # What differs lies in one step, so close together.
    hunks=$(diff "$dir/flawed" "$dir/reference" | sed -n 's/^\([0-9]*\)[,0-9]*[acd].*/\1/p')
    [ -n "$hunks" ] || fail "seed $seed has no flaw"
    [ "$(echo "$hunks" | wc -l)" -le 8 ] || fail "seed $seed: original and reference differ in many places"
done
cmp -s "$dir/reference" "$dir/flawed" && fail "original and reference are the same"
$case_sh module 3 flawed >"$dir/three"
$case_sh module 4 flawed | diff - "$dir/three" | grep -c '^[<>]' >"$dir/lines"
[ "$(cat "$dir/lines")" -gt 300 ] || fail "two seeds differ in $(cat "$dir/lines") lines only"

for wrong in 0 -1 x 1000000 07 ''; do
    $case_sh module "$wrong" flawed >"$dir/out" 2>&1
    code=$?
    { [ $code -eq 2 ] && grep -q '^workbook: a seed is a number from 1' "$dir/out"; } || fail "seed '$wrong': exit $code"
done
[ "$failed" -eq 0 ] && echo "lesson9_cases: all as it should be"
exit "$failed"
