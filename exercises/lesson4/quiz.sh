#!/bin/sh
# Three questions about a run you saved, and one from lesson 2.
#
#   exercises/lesson4/quiz.sh [FOLDER]     the newest run in which threads waited, unless told otherwise
# shellcheck source=exercises/engine/common.sh
. "$(dirname "$0")/../engine/common.sh"
lesson_load 4
# shellcheck source=exercises/engine/asking.sh
. exercises/engine/asking.sh

has_holder() { # has_holder FOLDER
    [ -n "$(holder_calls "$1/threads.txt")" ]
}
quiz_begin "${1-}" has_holder mutex.pb.gz threads.txt

often=$(charged "$folder/mutex.pb.gz" -sample_index=contentions)
long=$(charged "$folder/mutex.pb.gz" -sample_index=delay)
calls=$(holder_calls "$folder/threads.txt")
case $often,$long in
,* | *,) die "$folder: its mutex profile cannot be read" ;;
esac

ask 'Which function of the server is charged with most contentions, by their number?' \
    "./profiler/pprof -peek mutex_unlock -sample_index=contentions $folder/mutex.pb.gz" "$often"
ask 'And which with most of the delay?' \
    "./profiler/pprof -peek mutex_unlock -sample_index=delay $folder/mutex.pb.gz" "$long"
if [ -n "$calls" ]; then
    # shellcheck disable=SC2086 # a list of names
    ask 'While most wait, one thread holds what they wait for. What was it doing, called from stats.c?' \
        "less $folder/threads.txt: the number after \"held by\", then that thread" $calls
else
    echo "In this run nobody held a lock for long: take one of the flawed server for the third question."
fi

cat <<'END'

From lesson 2: inuse_space is what is alive, alloc_space all that ever was. A count of contentions is like the second:
it says how often something happened, and not what it costs. Delay is what somebody pays.
END
quiz_end
