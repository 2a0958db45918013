#!/bin/sh
# Runs Check programs and test scripts, a line each; shows the whole output of those that fail.
# Ends with "N passed, N failed", counting Check's single tests and one for each script.
passed=0 failed=0 skipped=0
out=$(mktemp) || exit 2
trap 'rm -f "$out"' EXIT
trap 'exit 130' INT TERM

for program in "$@"; do
    "$program" >"$out" 2>&1
    code=$?
    counts=$(sed -n 's/^[0-9]*%: Checks: \([0-9]*\), Failures: \([0-9]*\), Errors: \([0-9]*\)$/\1 \2 \3/p' "$out" | tail -n 1)
    if [ -n "$counts" ]; then
        # shellcheck disable=SC2086 # three numbers
        set -- $counts
        bad=$(($2 + $3)) good=$(($1 - $2 - $3))
        [ "$code" -eq 0 ] || [ "$bad" -gt 0 ] || bad=1
    elif [ "$code" -eq 77 ]; then
        good=0 bad=0 skipped=$((skipped + 1))
    else
        good=1 bad=0
        [ "$code" -eq 0 ] || good=0 bad=1
    fi
    passed=$((passed + good)) failed=$((failed + bad))
    name=${program##*/}
    if [ "$bad" -gt 0 ]; then
        printf 'FAIL  %s (exit %d)\n' "$name" "$code"
        sed 's/^/      /' "$out"
    elif [ "$code" -eq 77 ]; then
        printf 'skip  %s: %s\n' "$name" "$(tail -n 1 "$out")"
    else
        printf 'ok    %s (%d)\n' "$name" "$good"
    fi
done
[ "$skipped" -eq 0 ] || printf '%d skipped\n' "$skipped"
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
