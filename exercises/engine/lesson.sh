#!/bin/sh
# make lessonN: builds what the lesson needs, makes the working copy, says what to type next.
. "$(dirname "$0")/common.sh"
lesson_load "${1-}"

echo "building what lesson $number needs: $NEEDS"
# shellcheck disable=SC2086 # lists of names
quiet_make $NEEDS || exit 2
seed
[ -n "$(state_get started)" ] || state_set started "$(date +%Y-%m-%d)"

cat <<END

Lesson $number: $TITLE
  the page        lessons/$lesson/README.md
  the task        $work/TASK.md
  yours to fix    $(for module in $MODULES; do printf '%s ' "$work/$module"; done)
Next:
END
sed 's/^/  /' "$work/next.txt"
