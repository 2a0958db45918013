#!/bin/sh
# The learner's own working copies, as part of make check: an attempted one must pass its lesson's checks; one
# that is untouched or not begun is to do, which is no failure unless STRICT=1 asks for all of them. One that fails,
# or does not compile, does not keep the others from being checked.
# shellcheck source=exercises/engine/common.sh
. "$(dirname "$0")/../exercises/engine/common.sh"
pass='' fail='' todo=''
for n in $(lesson_numbers); do
    lesson_load "$n"
    if ! is_seeded || is_untouched; then
        todo="$todo $n"
    elif exercises/engine/check.sh "$n"; then
        pass="$pass $n"
    else
        fail="$fail $n"
    fi
done
[ -z "$todo" ] || text="to do: lessons$todo"
[ -z "$pass$fail" ] || text="working copies: lessons${pass:- none} pass,${fail:- none} fail${todo:+,$todo are to do}"
echo "$text"
[ -z "$fail" ] || exit 1
if [ "${STRICT-}" = 1 ] && [ -n "$todo" ]; then
    echo "STRICT=1 wants all of them solved"
    exit 1
fi
[ -n "$pass" ] || exit 77
