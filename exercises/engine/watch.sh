#!/bin/sh
# make watchN: runs the checks now, and again each time a working copy is saved. Ctrl-C ends it.
. "$(dirname "$0")/common.sh"
lesson_load "${1-}"
seed

stamp=$(mktemp) || exit 2
trap 'rm -f "$stamp"' EXIT
trap 'exit 0' INT TERM

saved_since() {
    for module in $MODULES; do
        # An editor may replace the file; while it does, there is none.
        [ -z "$(find "$work/$module" -newer "$stamp" 2>/dev/null)" ] || return 0
    done
    return 1
}

checks=0
until [ "$checks" -gt 0 ] && [ "$checks" -ge "${WATCH_CHECKS:-1000000}" ]; do
    if [ "$checks" -eq 0 ] || saved_since; then
        touch "$stamp" # before the check, so that a save during it counts
        exercises/engine/check.sh "$number"
        checks=$((checks + 1))
        printf '\n%s: watching %s/ (Ctrl-C ends)\n' "$(date +%H:%M:%S)" "$work"
    else
        sleep 1
    fi
done
