#!/bin/sh
# Three questions about a run you saved, and one from lesson 3.
#
#   exercises/lesson5/quiz.sh [FOLDER]     the newest run in which nothing was timed, unless told otherwise
# shellcheck source=exercises/engine/common.sh
. "$(dirname "$0")/../engine/common.sh"
lesson_load 5
# shellcheck source=exercises/engine/asking.sh
. exercises/engine/asking.sh

times_nothing() { # times_nothing FOLDER
    [ "$(tariff_samples "$1")" -eq 0 ]
}
quiz_begin "${1-}" times_nothing cpu.pb.gz mutex.pb.gz server.log

first=$(below_measure_calls "$folder" | sed -n '1s/^[^ ]* [^ ]* [^ ]* [^ ]* //p')
case $first in
'') die "$folder: its CPU profile has nothing of measure_calls" ;;
*vdso*) first="$first [vdso] vdso __vdso_clock_gettime clock_gettime" ;; # as much of its name as the system tells
esac

# shellcheck disable=SC2086 # a list of names
ask 'Of what measure_calls does, which function is first by flat time?' \
    "./profiler/pprof -top -focus=measure_calls $folder/cpu.pb.gz" $first
ask 'How many CPU samples are in tariff_cents below measure_calls? A number.' \
    "./profiler/pprof -top -focus=measure_calls -sample_index=samples $folder/cpu.pb.gz; what is not listed has none" \
    "$(tariff_samples "$folder")"
ask "Requests wait. Which function of the server holds what they wait for?" \
    "./profiler/pprof -peek mutex_unlock $folder/mutex.pb.gz" rates_refresh

cat <<END

From lesson 3: the thread profile. A thread that waits uses no CPU, so no CPU profile has it; /debug/pprof/threads has
every thread there is, grouped by where it stands. Taken in the middle of a stall it shows all requests in one group.
END
quiz_end
