#!/bin/sh
# make checkN: the lesson's checks on the working copy.
# Exit: 0 all pass, 1 a check fails or the copy is untouched, 2 it does not compile or cannot be checked.
. "$(dirname "$0")/common.sh"
lesson_load "${1-}"
seed
out=$(mktemp) || exit 2
trap 'rm -f "$out"' EXIT
trap 'exit 130' INT TERM

build_all() {
    # The lesson's own programs first, so that what the compiler says next is about the learner's file alone.
    targets=
    for module in $MODULES; do
        stem=${module%.c}
        targets="$targets $build/modules/$demo/$stem.so"
    done
    # shellcheck disable=SC2086 # a list of names
    quiet_make "$build/checks/$lesson" $targets ||
        die "the checks of lesson $number do not build; that is not your file's fault"

    plain='' counted='' stems=''
    for module in $MODULES; do
        stem=${module%.c}
        plain="$plain $build/modules/$work/$stem.so"
        counted="$counted $build/modules/$work/$stem.counted.so"
        stems="$stems $build/modules/$demo/$stem $build/modules/$work/$stem"
    done
    # One after the other, so that the compiler says what it has to say once.
    # shellcheck disable=SC2086
    { quiet_make $plain && quiet_make $counted; } || {
        echo "lesson $number: $work does not compile yet; see above" >&2
        exit 2
    }
}

if [ -x "$work/before.sh" ] && [ -z "${VERDICT_ONLY-}" ] && ! "$work/before.sh" >"$out"; then
    code=1 # what has to be right before there is anything to check
else
    build_all
    # shellcheck disable=SC2086
    "$build/checks/$lesson" "Lesson $number: $TITLE; checking $work" $stems >"$out" 2>&1
    code=$?
fi
cat "$out"
[ "$code" -le 1 ] || exit 2
if [ -x "$work/extra.sh" ] && [ "$code" -eq 0 ] && [ -z "${VERDICT_ONLY-}" ]; then # what takes the whole server, once the rest is right
    "$work/extra.sh" "$out" || code=1
fi
passed=$(grep -c '^ok ' "$out")
failed=$(grep -c '^FAIL ' "$out")
first=$(sed -n 's/^FAIL *//p' "$out" | head -n 1)
echo

if is_untouched; then
    echo "$work is still the flawed original: lesson $number is to do.${first:+ First failing check: $first}"
    echo "Start with lessons/$lesson/README.md; make hint$number when you are stuck."
    code=1
elif [ -n "${VERDICT_ONLY-}" ]; then
    echo "That was $VERDICT_ONLY alone; make check$number without VERDICT_ONLY runs them all."
elif [ "$code" -eq 0 ]; then
    state_set passed "$(date +%Y-%m-%d) $(work_sum)"
    echo "Lesson $number is solved. make solution$number shows ours beside yours."
else
    echo "First failing check: $first. make hint$number when you are stuck."
fi
echo "$passed passed, $failed failed"
exit "$code"
