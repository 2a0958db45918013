#!/bin/sh
# Are a page's bands what is measured? For each line of lessons/lessonN/bands.tsv: the figure of a flawed and of
# a repaired run lies in its band, and the page shows that very band.
#
#   bands.sh N [FLAWED_FOLDER REPAIRED_FOLDER]      without folders: runs both, BANDS_SECONDS each (60)
#   bands.sh                                        all lessons
#
# Exit 1 when a band is off. Run it on a quiet machine; it is no part of make check.
# shellcheck source=exercises/engine/common.sh
. "$(dirname "$0")/common.sh"
if [ $# -eq 0 ]; then
    code=0
    for n in $(lesson_numbers); do
        echo "lesson $n"
        exercises/engine/bands.sh "$n" || code=1
    done
    exit "$code"
fi
lesson_load "$1"
bands=lessons/$lesson/bands.tsv page=lessons/$lesson/README.md
[ -f "$bands" ] || die "there is no $bands"

newest() { # newest LABEL
    for folder in "$work/profiles"/*-"$1"; do
        last=$folder
    done
    echo "$last"
}
if [ $# -ge 3 ]; then
    flawed=$(given_path "$2") repaired=$(given_path "$3")
else
    "$work/run.sh" --build flawed --seconds "$BANDS_SECONDS" --label bands-flawed >/dev/null || exit 2
    "$work/run.sh" --build reference --seconds "$BANDS_SECONDS" --label bands-repaired >/dev/null || exit 2
    flawed=$(newest bands-flawed) repaired=$(newest bands-repaired)
    [ -z "$COST" ] || "$work/$COST" >"$flawed/cost.txt" || exit 2
fi

dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
exercises/engine/figures.sh "$number" "$flawed" >"$dir/flawed" || exit 2
exercises/engine/figures.sh "$number" "$repaired" >"$dir/repaired" || exit 2

# Prints a line for each figure and side; "off" where it is out of its band or the page says otherwise.
tab=$(printf '\t')
awk -v FS="$tab" -v flawed="$dir/flawed" -v repaired="$dir/repaired" -v page="$page" '
    function load(file, into,   line, parts) {
        while ((getline line < file) > 0) {
            split(line, parts, " ")
            into[parts[1]] = parts[2]
        }
    }
    function thousands(n,   text) {
        text = n ""
        while (match(text, /[0-9][0-9][0-9][0-9]($|,)/))
            text = substr(text, 1, RSTART) "," substr(text, RSTART + 1)
        return text
    }
    function judge(side, value, low, high, unit,   band, verdict) {
        if (low == "-")
            return
        band = thousands(low) "–" thousands(high) (unit == "" ? "" : " " unit)
        verdict = value == "" ? "off: not measured" : value + 0 < low || value + 0 > high ? "off" : "ok"
        if (index(text, band) == 0)
            verdict = verdict ", off: the page does not say it"
        printf "%-18s %-9s %10s   %-18s %s\n", $1, side, value, band, verdict
    }
    BEGIN {
        load(flawed, of_flawed)
        load(repaired, of_repaired)
        while ((getline line < page) > 0)
            text = text line "\n"
    }
    /^#/ || NF < 5 { next }
    {
        judge("flawed", of_flawed[$1], $2, $3, $6)
        judge("repaired", of_repaired[$1], $4, $5, $6)
    }
' "$bands" | tee "$dir/verdicts"
! grep -q 'off' "$dir/verdicts"
