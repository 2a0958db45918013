#!/bin/sh
# make lesson9 SEED=n begins the case of that number; without, the one that was begun goes on, or a fresh one is drawn.
# shellcheck source=exercises/engine/common.sh
. "$(dirname "$0")/../engine/common.sh"
lesson_load 9
before=$("$work/case.sh" seed)
wanted=${SEED-}
if [ -z "$wanted" ]; then
    wanted=$before
    [ -e "$work/incident.c" ] || wanted=$(od -An -N2 -tu2 /dev/urandom | awk '{ print $1 % 9999 + 1 }')
fi
"$work/case.sh" begin "$wanted" || exit 2
if [ "$wanted" != "$before" ]; then # nothing of another case is true of this one
    for key in prediction diagnosis attempts hints quiz passed; do
        [ -z "$(state_get $key)" ] || state_set $key ''
    done
fi
echo "case $wanted; the same one for somebody else: make lesson9 SEED=$wanted"
