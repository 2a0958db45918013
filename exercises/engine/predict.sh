#!/bin/sh
# make predictN: asks for a prediction, one line, before anything is measured; run.sh shows it beside what it finds.
. "$(dirname "$0")/common.sh"
lesson_load "${1-}"

before=$(state_get prediction)
[ -z "$before" ] || echo "You said: $before"
printf 'Before you look: %s One line: ' "$PREDICT"
read -r answer || answer=''
[ -t 0 ] || echo
if [ -z "$answer" ]; then
    echo "nothing was noted"
    exit 1
fi
state_set prediction "$answer"
echo "Noted. $work/run.sh shows it beside what it finds."
