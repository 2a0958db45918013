#!/bin/sh
# The diagnosis comes before the fix: a verdict like those of the checks when there is none yet for the case that was
# begun, and exit 1.
# shellcheck source=exercises/engine/common.sh
. "$(dirname "$0")/../engine/common.sh"
lesson_load 9
case_seed=$("$work/case.sh" seed)
[ "$(state_get diagnosis)" != "$case_seed" ] || exit 0
attempts=$(state_get attempts)
cat <<END_OF_VERDICT
Lesson $number: $TITLE, case $case_seed
FAIL  diagnosis
        measured  ${attempts:-0} submitted, none of them right; what the module does is checked afterwards
        allowed   the profile that shows what is wrong, the function it is in, and the reason
        shows in  your own saved profiles
        look      $work/run.sh --build flawed, then $work/quiz.sh
END_OF_VERDICT
exit 1
