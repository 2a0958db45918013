# shellcheck shell=sh disable=SC2034 # what is set here is used by those that source it
# What the engine's scripts share; sourced by each of them. Afterwards the working folder is the top one.
#
# A lesson is exercises/lessonN with a lesson.conf:
#   TITLE, DEMO           its name, its server
#   MODULES               the files to be fixed, as SWAPPED_N in the Makefile
#   LOAD                  the options of ./demos/load that make its traffic
#   PREDICT               what a learner is asked before measuring
#   FLAWED_FAILS          the check that the flawed original fails first, and those that it fails as well
#   NEEDS                 what `make lessonN` builds, if it is not tool, server, load and the learner's server
#   HINTS                 which file has the hints, if not hints.txt
#   BANDS_SECONDS         how long bands.sh measures, if not 60
#   COST                  what bands.sh runs beside, into the flawed run's cost.txt: a script of the lesson's
# and run.sh, quiz.sh, findings.sh, next.txt, hints.txt, TASK.md; where needed begin.sh, which make lessonN runs first,
# before.sh, which says what has to be right before there is anything to check, and extra.sh, for what is checked last.
# What the learner has done is kept in exercises/.progress: lines of "lessonN KEY VALUE".

started_in=$PWD
cd "$(dirname "$0")" || exit 2
until [ -f exercises/engine/common.sh ]; do
    cd .. && [ "$PWD" != / ] || exit 2
done

# Variables given to make on its command line come by the environment; its flags would only make a make
# started here wait for tokens of another.
unset MAKEFLAGS MFLAGS MAKELEVEL
build=.build${SAN:+/san-$SAN}
state=${WORKBOOK_STATE:-exercises/.progress}

die() {
    echo "workbook: $*" >&2
    exit 2
}

given_path() { # given_path PATH: as typed in the folder the script was started in
    case $1 in
    /*) echo "$1" ;;
    *) if [ -e "$started_in/$1" ]; then echo "$started_in/$1"; else echo "$1"; fi ;;
    esac
}

quiet_make() {
    make -s -j"$(nproc 2>/dev/null || echo 1)" "$@"
}

lesson_load() { # lesson_load N: its facts as variables, and lesson, work, demo as paths
    number=$1
    lesson=lesson$1
    work=exercises/$lesson
    demo=demos/$lesson
    [ -f "$work/lesson.conf" ] || die "there is no lesson '$1'; make lessons lists those there are"
    LOAD='' NEEDS='' HINTS='' COST='' BANDS_SECONDS=60
    # shellcheck disable=SC1090 # a lesson's own file
    . "./$work/lesson.conf"
    NEEDS=${NEEDS:-profiler/pprof demos/$DEMO demos/load $work/$DEMO}
}

lesson_numbers() {
    for conf in exercises/lesson*/lesson.conf; do
        n=${conf#exercises/lesson}
        echo "${n%/lesson.conf}"
    done | sort -n
}

state_get() { # state_get KEY: of the loaded lesson; empty when there is none
    [ -f "$state" ] || return 0
    awk -v lesson="$lesson" -v key="$1" '$1 == lesson && $2 == key { sub(/^[^ ]+ [^ ]+ /, ""); print }' "$state"
}

state_set() { # state_set KEY VALUE
    {
        [ ! -f "$state" ] || awk -v lesson="$lesson" -v key="$1" '!($1 == lesson && $2 == key)' "$state"
        echo "$lesson $1 $2"
    } >"$state.new" && mv "$state.new" "$state"
}

seed() { # a working copy of each module that has none; says so
    for module in $MODULES; do
        [ -e "$work/$module" ] && continue
        [ -f "$demo/$module" ] || quiet_make "$demo/$module" || die "$demo/$module is missing: is this clone whole?"
        cp "$demo/$module" "$work/$module" || exit 2
        chmod u+w "$work/$module"
        echo "made $work/$module, yours to fix"
    done
    [ -e "$work/Makefile" ] || cat >"$work/Makefile" <<END
# Made with your working copy: what make can do in the top folder works here too, and make alone checks yours.
check$number:
	@\$(MAKE) --no-print-directory -C ../.. \$@
.DEFAULT:
	@\$(MAKE) --no-print-directory -C ../.. \$@
END
}

is_seeded() {
    for module in $MODULES; do
        [ -e "$work/$module" ] || return 1
    done
}

is_untouched() { # each module still the flawed original, byte for byte
    for module in $MODULES; do
        cmp -s "$demo/$module" "$work/$module" || return 1
    done
}

work_sum() { # one number for the present contents of the working copy
    for module in $MODULES; do
        cat "$work/$module"
    done | cksum | tr ' ' -
}
