#!/bin/sh
# The checks under stress: N runs of everything in exercises.sh beside busy loops. A verdict that depends on the
# machine's mood shows here.
#
#   stress.sh [N [LOOPS]]     20 runs beside twice as many loops as there are cores, unless told otherwise
here=$(dirname "$0")
cores=$(nproc 2>/dev/null || echo 2)
loops=''
# shellcheck disable=SC2086 # a list of process ids
trap 'kill $loops 2>/dev/null' EXIT
trap 'exit 130' INT TERM

"$here/exercises.sh" 0 >/dev/null || exit 1 # built while the machine is still ours

n=0
while [ "$n" -lt "${2:-$((2 * cores))}" ]; do
    (while :; do :; done) &
    loops="$loops $!"
    n=$((n + 1))
done
echo "stress: ${1:-20} runs beside $n busy loops"
"$here/exercises.sh" "${1:-20}"
