#!/bin/sh
# Runs Check programs and test scripts, a line each as they end; shows the whole output of those that fail.
# Ends with "N passed, N failed", counting Check's single tests and one for each script.
#
#   run.sh [--again] PROGRAM... [-- PROGRAM...]...     one after the other; each -- begins others, which run beside the first
#
# --again is for what measures a machine: what failed beside others is run once more, alone, and that counts.
again=''
[ "$1" != --again ] || { again=1 && shift; }
dir=$(mktemp -d) || exit 2
lanes=''
# shellcheck disable=SC2086 # a list of process ids
trap '[ -z "$lanes" ] || kill $lanes 2>/dev/null; rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM

# one PROGRAM LANE: runs it; its line, with what it put out if it failed, in one piece.
one() {
    program=$1 name=${1##*/} out=$dir/$2.out began=$(date +%s)
    env --default-signal=INT "$program" >"$out" 2>&1 & # what is started with & would not hear of Ctrl-C
    child=$!
    wait "$child"
    code=$?
    child=''
    counts=$(sed -n 's/^[0-9]*%: Checks: \([0-9]*\), Failures: \([0-9]*\), Errors: \([0-9]*\)$/\1 \2 \3/p' "$out" | tail -n 1)
    good=0 bad=0 skipped=0
    if [ -n "$counts" ]; then
        checks=${counts%% *} errors=${counts##* } failures=${counts#* }
        bad=$((${failures% *} + errors)) good=$((checks - bad))
        [ "$code" -eq 0 ] || [ "$bad" -gt 0 ] || bad=1
    elif [ "$code" -eq 77 ]; then
        skipped=1
    elif [ "$code" -eq 0 ]; then
        good=1
    else
        bad=1
    fi
    took=$(($(date +%s) - began))
    [ "$took" -ge 2 ] && took=", $took s" || took=''
    if [ "$bad" -gt 0 ] && [ "$again" ]; then
        echo "$program" >>"$dir/disturbed"
    else
        echo "$good $bad $skipped" >>"$dir/$2.counts"
    fi
    if [ "$bad" -gt 0 ]; then
        line=$(printf 'FAIL  %s (exit %d)%s\n' "$name" "$code" "$took" && sed 's/^/      /' "$out")
    elif [ "$skipped" -eq 1 ]; then
        line="skip  $name: $(tail -n 1 "$out")"
    else
        line="ok    $name ($good)$took"
    fi
    printf '%s\n' "$line"
}

# lane N PROGRAM...: one after the other.
lane() {
    number=$1 child=''
    shift
    trap - EXIT
    trap '[ -z "$child" ] || kill "$child" 2>/dev/null; exit 130' TERM
    for program in "$@"; do
        one "$program" "$number"
    done
}

# lanes_of PROGRAM...: starts one lane for what comes before each --, and for the rest.
lanes_of() {
    count=0 programs=''
    for program in "$@" --; do
        if [ "$program" != -- ]; then
            programs="$programs $program"
            continue
        fi
        count=$((count + 1))
        # shellcheck disable=SC2086 # paths in this tree, without spaces
        lane "$count" $programs &
        lanes="$lanes $!"
        programs=''
    done
}

# run_lanes PROGRAM...: and waits until all have ended.
run_lanes() {
    lanes_of "$@"
    for n in $lanes; do
        wait "$n"
    done
    lanes=''
}

run_lanes "$@"
if [ -s "$dir/disturbed" ]; then
    again=''
    echo "again, alone: $(tr '\n' ' ' <"$dir/disturbed")"
    # shellcheck disable=SC2046 # as above
    run_lanes $(cat "$dir/disturbed")
fi
cat "$dir"/*.counts 2>/dev/null | awk '
    { passed += $1; failed += $2; skipped += $3 }
    END {
        if (skipped)
            printf "%d skipped\n", skipped
        printf "%d passed, %d failed\n", passed, failed
        exit failed > 0 || passed + skipped == 0
    }'
