#!/bin/sh
# Every figure of `make bench`, ours beside the peers' in one run, with the bar ours must meet.
#
#   run.sh [FIGURE…]      all of them unless some are named: see the scripts beside this one
#
# Exit: 0 every bar was met, 1 one was missed, 2 no such figure.
here=$(dirname "$0")
all='locks delay unwind heap threads cpu gateway'
failed=0
# shellcheck disable=SC2086 # a list of names
[ $# -gt 0 ] || set -- $all
for figure; do
    if [ ! -x "$here/$figure.sh" ]; then
        echo "bench: no figure \"$figure\"; there are: $all" >&2
        exit 2
    fi
    began=$(date +%s)
    printf '%s\n' "$figure"
    "$here/$figure.sh" || failed=1
    printf '  (%d s)\n\n' $(($(date +%s) - began))
done
[ "$failed" -eq 0 ] || echo 'bench: a bar was missed; a busy machine can be the reason, so run it alone: make bench ONLY=FIGURE'
exit "$failed"
