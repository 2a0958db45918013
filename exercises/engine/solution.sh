#!/bin/sh
# make solutionN: where the reference is, once yours passes or with FORCE=1.
. "$(dirname "$0")/common.sh"
lesson_load "${1-}"

if [ -z "$(state_get passed)" ] && [ "${FORCE-}" != 1 ]; then
    echo "Lesson $number is not solved yet: make check$number, make hint$number, or FORCE=1 make solution$number" >&2
    exit 1
fi
for module in $MODULES; do
    [ -f "solutions/$lesson/$module" ] || quiet_make "solutions/$lesson/$module" || exit 2
    echo "solutions/$lesson/$module"
    echo "  beside the original: diff -u $demo/$module solutions/$lesson/$module"
    echo "  beside yours:        diff -u $work/$module solutions/$lesson/$module"
done
