#!/bin/sh
# make hintN: the next of the lesson's three hints, with those before it.
. "$(dirname "$0")/common.sh"
lesson_load "${1-}"

given=$(state_get hints)
next=$((${given:-0} + 1))
if [ "$next" -gt 3 ]; then
    next=3
    echo "These are all three; FORCE=1 make solution$number shows our solution."
fi
state_set hints "$next"
awk -v last="$next" '/^## /{ n++ } n >= 1 && n <= last' "$work/${HINTS:-hints.txt}"
