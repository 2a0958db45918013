#!/bin/sh
# make lessons: the lessons there are, and how far you are.
. "$(dirname "$0")/common.sh"

progress() {
    passed=$(state_get passed)
    hints=$(state_get hints)
    if ! is_seeded; then
        text="to do: make lesson$number"
    elif is_untouched; then
        text="started, not changed yet"
    elif [ -z "$passed" ]; then
        text="changed, not solved yet: make check$number"
    elif [ "${passed#* }" = "$(work_sum)" ]; then
        text="solved on ${passed% *}"
    else
        text="solved on ${passed% *}, changed since: make check$number"
    fi
    quiz=$(state_get quiz)
    echo "$text${hints:+, $hints of 3 hints}${quiz:+, quiz $quiz}"
}

for n in $(lesson_numbers); do
    lesson_load "$n"
    # shellcheck disable=SC2153 # DEMO comes from lesson.conf
    printf '%2d  %-30s %-10s %s\n' "$n" "$TITLE" "$DEMO" "$(progress)"
done
