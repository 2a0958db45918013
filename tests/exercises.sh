#!/bin/sh
# The checks are checked: for each exercise the reference passes them all. With RUNS, that many times over, so do the
# other designs in tests/right, the flawed original fails by the check it declares, and each wrong fix in tests/wrong
# fails on the check meant for it and on none that its first comment does not name.
#
#   exercises.sh [RUNS]     make check runs it without, make stress with 20, beside busy loops
#
# The first comment of a wrong fix: /* fails: CHECK; also: CHECK...; in: MODULE.c */, the last two if needed. That of
# another design names the module, too, if it is not the lesson's first.
# shellcheck source=exercises/engine/common.sh
. "$(dirname "$0")/../exercises/engine/common.sh"
runs=${1:-1}
others=${1:+yes}
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM
problems=0

problem() {
    echo "exercises: $*"
    problems=$((problems + 1))
}

# The stems of the shared objects that a check takes: for each module the original's and the one to check.
stems_with() { # stems_with FOLDER [MODULE STEM]: all from the folder, but the module from the stem
    for module in $MODULES; do
        if [ "$module" = "${2-}" ]; then
            echo "$build/modules/$demo/${module%.c} $build/modules/$3"
        else
            echo "$build/modules/$demo/${module%.c} $build/modules/$1/${module%.c}"
        fi
    done
}

# A line a program that is to check NAME; what it prints, "ok CHECK" and "FAIL CHECK" lines, is for $dir/lessonN/NAME.
one_to_check() { # one_to_check NAME STEM…
    echo "$dir/$lesson/$1" "$build/checks/$lesson" "$@"
}

# A dozen at a time, of whatever lesson: most of a check is waiting.
check_all() {
    # shellcheck disable=SC2016 # for the shell that xargs starts
    xargs -P 12 -L 1 sh -c 'out=$0; VERDICT_TERSE=1 "$@" >"$out" 2>"$out.err" || :'
}

expect_failures() { # expect_failures NAME FIRST ALSO…: FIRST fails, and nothing beyond these
    name=$1 first=$2
    shift 2
    grep -q "^FAIL $first\$" "$dir/$lesson/$name" || problem "$lesson: $name passes $first"
    sed -n 's/^FAIL //p' "$dir/$lesson/$name" >"$dir/failures"
    while read -r check; do
        case " $first $* " in
        *" $check "*) ;;
        *) problem "$lesson: $name fails $check, which it does not declare" ;;
        esac
    done <"$dir/failures"
}

expect_success() { # expect_success NAME
    if grep -q '^FAIL' "$dir/$lesson/$1" || ! grep -q '^ok' "$dir/$lesson/$1"; then
        problem "$lesson: $1 fails: $(cat "$dir/$lesson/$1" "$dir/$lesson/$1.err")"
    fi
}

declared() { # declared FILE KEY: what its first comment says under that key
    sed '/\*\//q' "$1" | tr -d '*\n' | sed -n "s|.*[ ;]$2: *\([^;/]*[^;/ ]\).*|\1|p"
}

# designs right|wrong: the lesson's other designs; none unless RUNS asks for them.
designs() {
    [ -z "$others" ] || printf '%s\n' tests/"$1"/"$lesson"/*.c
}

list_lesson() {
    mkdir -p "$dir/$lesson"
    # shellcheck disable=SC2046 # lists of names
    {
        [ -z "$others" ] || one_to_check flawed $(stems_with "$demo")
        one_to_check reference $(stems_with "solutions/$lesson")
        for wrong in $(designs wrong); do
            module=$(declared "$wrong" in)
            one_to_check "$(basename "$wrong" .c)" \
                $(stems_with "solutions/$lesson" "${module:-${MODULES%% *}}" "${wrong%.c}")
        done
        for right in $(designs right); do
            module=$(declared "$right" in)
            one_to_check "$(basename "$right" .c)" \
                $(stems_with "solutions/$lesson" "${module:-${MODULES%% *}}" "${right%.c}")
        done
    }
}

judge_lesson() {
    # shellcheck disable=SC2086 # a list of names
    [ -z "$others" ] || expect_failures flawed $FLAWED_FAILS
    expect_success reference
    for right in $(designs right); do
        expect_success "$(basename "$right" .c)"
    done
    for wrong in $(designs wrong); do
        # shellcheck disable=SC2046 # lists of names
        expect_failures "$(basename "$wrong" .c)" $(declared "$wrong" fails) $(declared "$wrong" also)
    done
}

# What is said twice, in the Makefile and in lesson.conf, is the same; and what is built for a learner is not git's.
expect_facts() {
    in_makefile() {
        sed -n "s/^$1_$number *= *//p" Makefile
    }
    [ "$(in_makefile DEMO)" = "$DEMO" ] || problem "$lesson: DEMO_$number in the Makefile is not $DEMO"
    [ "$(in_makefile SWAPPED)" = "$(echo "$MODULES" | sed 's/\.c//g')" ] ||
        problem "$lesson: SWAPPED_$number in the Makefile is not of $MODULES"
    git rev-parse --git-dir >/dev/null 2>&1 || return
    for module in $MODULES; do
        for made in "demos/$DEMO" "solutions/$lesson/$DEMO" "$work/$DEMO" "$work/$module"; do
            git check-ignore -q "$made" || problem "$lesson: $made is not in .gitignore"
        done
    done
}

targets=''
lessons=''
for n in $(lesson_numbers); do
    lesson_load "$n"
    lessons="$lessons $n"
    expect_facts
    targets="$targets $build/checks/$lesson"
    for module in $MODULES; do
        targets="$targets $build/modules/$demo/${module%.c}.so $build/modules/$demo/${module%.c}.counted.so"
        targets="$targets $build/modules/solutions/$lesson/${module%.c}.so $build/modules/solutions/$lesson/${module%.c}.counted.so"
    done
    for wrong in $(designs wrong) $(designs right); do
        targets="$targets $build/modules/${wrong%.c}.so $build/modules/${wrong%.c}.counted.so"
    done
done
# shellcheck disable=SC2086 # a list of names
quiet_make $targets || exit 1

run=0
while [ "$run" -lt "$runs" ]; do
    run=$((run + 1))
    for n in $lessons; do
        lesson_load "$n"
        list_lesson
    done | check_all
    for n in $lessons; do
        lesson_load "$n"
        before=$problems
        judge_lesson
        [ -z "$others" ] || echo "exercises: lesson $n, run $run of $runs: $((problems - before)) problems"
    done
done
[ "$problems" -eq 0 ] || exit 1
echo "exercises: lessons$lessons, $runs runs: reference${others:+, flawed and wrong fixes} each as declared"
