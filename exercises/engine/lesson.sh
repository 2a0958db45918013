#!/bin/sh
# make lessonN: builds what the lesson needs, makes the working copy, says what to type next.
. "$(dirname "$0")/common.sh"
lesson_load "${1-}"

[ ! -x "$work/begin.sh" ] || "$work/begin.sh" || exit 2
lesson_load "$number"
seed
echo "building what lesson $number needs: $NEEDS"
# shellcheck disable=SC2086 # a list of names
quiet_make $NEEDS compile_commands.json || exit 2
[ -n "$(state_get started)" ] || state_set started "$(date +%Y-%m-%d)"
files=''
for module in $MODULES; do
    files="$files $work/$module"
done

cat <<END

Lesson $number: $TITLE
  the page        lessons/$lesson/README.md
  the task        $work/TASK.md
  yours to fix   $files
Next:
END
sed 's/^/  /' "$work/next.txt"
