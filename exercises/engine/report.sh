#!/bin/sh
# make reportN: before and after, the flawed server and yours, as one page, from the newest folders that the lesson's run.sh
# left of each; or from others: make reportN BEFORE=FOLDER AFTER=FOLDER.
. "$(dirname "$0")/common.sh"
lesson_load "${1-}"
page=$work/report.html

newest() { # newest BUILD: the last by its name, which begins with the date
    for folder in "$work"/profiles/*-"$1"; do
        last=$folder
    done
    [ -s "$last/summary.txt" ] || die "no run of --build $1 is saved yet: run $work/run.sh --build $1 first"
    echo "$last"
}

side() { # side GIVEN BUILD
    if [ -n "$1" ]; then given_path "${1%/}"; else newest "$2"; fi
}

before=$(side "${BEFORE-}" flawed) || exit 2
after=$(side "${AFTER-}" yours) || exit 2
quiet_make profiler/pprof || exit 2
./profiler/pprof -symbolize=none -compare "$before" "$after" >"$page.new" || {
    rm -f "$page.new"
    exit 2
}
mv "$page.new" "$page" || exit 2
echo "$page compares $before with $after: open it in a browser, xdg-open $page"
