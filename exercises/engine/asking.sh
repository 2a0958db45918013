# shellcheck shell=sh
# shellcheck disable=SC2154 # work and the rest come from common.sh
# How a quiz asks: sourced by a lesson's quiz.sh after lesson_load. Answers are one word, computed by the lesson from
# the learner's own saved profiles, so that they are right for that very run.
#
#     quiz_begin "${1-}" fits cpu.pb.gz …     sets folder: the one given, or the newest for which `fits FOLDER` is true
#     ask 'Which function …?' './profiler/pprof -top …' "$(first_function "$folder/cpu.pb.gz")"
#     quiz_end                                the score, also as the exit code
# shellcheck source=exercises/engine/reading.sh
. exercises/engine/reading.sh

asked=0 right=0

# newest_folder COMMAND…: the newest of the lesson's saved runs for which the command, given its folder, is
# true; or else the newest of all; or nothing
newest_folder() {
    newest='' fitting=''
    for folder in "$work"/profiles/*/; do
        folder=${folder%/}
        [ -e "$folder/summary.txt" ] || continue
        newest=$folder
        ! "$@" "$folder" || fitting=$folder
    done
    echo "${fitting:-$newest}"
}

# ask QUESTION LOOK ANSWER…: any of the answers is right; three attempts, with the command to look between them
ask() {
    question=$1 look=$2
    shift 2
    asked=$((asked + 1))
    printf '\n%d. %s\n' "$asked" "$question"
    attempt=0
    while [ "$attempt" -lt 3 ]; do
        attempt=$((attempt + 1))
        printf '   > '
        read -r reply || return 0
        reply=$(printf '%s' "$reply" | sed 's/^[ \t]*//; s/[ \t(].*//')
        for answer in "$@"; do
            if [ "$reply" = "$answer" ]; then
                echo "   Right."
                right=$((right + 1))
                return 0
            fi
        done
        [ "$attempt" -eq 3 ] || printf '   No. Look: %s\n' "$look"
    done
    echo "   It is $1."
}

# quiz_begin FOLDER COMMAND FILE…: FOLDER as typed, or empty; the files must be in it
quiz_begin() {
    given=$1 fits=$2
    shift 2
    if [ -n "$given" ]; then
        folder=$(given_path "${given%/}")
    else
        folder=$(newest_folder "$fits")
    fi
    [ -n "$folder" ] || die "there are no saved profiles yet: $work/run.sh --build flawed"
    for file in "$@"; do
        [ -s "$folder/$file" ] || die "$folder has no $file: was it left by run.sh?"
    done
    quiet_make profiler/pprof || exit 2
    echo "About $folder. Answer with one word, such as the name of a function."
}

quiz_end() { # the score, kept in the progress file
    state_set quiz "$right of $asked"
    printf '\n%d of %d right\n' "$right" "$asked"
    [ "$right" -eq "$asked" ]
}
