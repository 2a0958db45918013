#!/bin/sh
# The learner's own working copies, as part of make check: an attempted one must pass its lesson's checks; one
# that is untouched or not begun is to do, which is no failure unless STRICT=1 asks for all of them.
# shellcheck source=exercises/engine/common.sh
. "$(dirname "$0")/../exercises/engine/common.sh"
code=77 todo=''
for n in $(lesson_numbers); do
    lesson_load "$n"
    if ! is_seeded || is_untouched; then
        todo="$todo $n"
        continue
    fi
    [ "$code" -eq 1 ] || code=0
    exercises/engine/check.sh "$n" || code=1
done
if [ "${STRICT-}" = 1 ] && [ -n "$todo" ]; then
    echo "STRICT=1, and to do:$todo"
    code=1
fi
[ "$code" -ne 77 ] || echo "to do: lessons$todo"
exit "$code"
