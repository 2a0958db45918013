#!/bin/sh
# Three questions about a run you saved, and one from lesson 4.
#
#   exercises/lesson6/quiz.sh [FOLDER]     the newest run in which threads waited, unless told otherwise
# shellcheck source=exercises/engine/common.sh
. "$(dirname "$0")/../engine/common.sh"
lesson_load 6
# shellcheck source=exercises/engine/asking.sh
. exercises/engine/asking.sh

threads_wait() { # threads_wait FOLDER
    [ -n "$(standing_before_lock "$1/threads.txt")" ]
}
quiz_begin "${1-}" threads_wait cpu.pb.gz heap.pb.gz threads.txt

first=$(first_function "$folder/cpu.pb.gz")
owners=$(heap_owners "$folder/heap.pb.gz")
standing=$(standing_before_lock "$folder/threads.txt")
case $first,$owners in
,* | *,) die "$folder: its profiles cannot be read" ;;
esac

ask 'Which function is first by flat time in the CPU profile?' "./profiler/pprof -top $folder/cpu.pb.gz" "$first"
# shellcheck disable=SC2086 # a list of names
ask "Which function of the gateway made most of what is alive?" \
    "./profiler/pprof -top -inuse_space $folder/heap.pb.gz" $owners
if [ -n "$standing" ]; then
    ask 'Of the threads that wait for a lock, in which function of the gateway do most stand?' \
        "less $folder/threads.txt, or ./profiler/pprof -peek 'pthread_mutex_lock' $folder/threads.pb.gz" "$standing"
else
    echo "In this run no thread waits for a lock: take one of the flawed gateway for the third question."
fi

cat <<END

From lesson 4: the mutex profile charges whoever held the lock, at its unlock, with the time all the others
waited; the block profile charges those who waited. The first names the code to change: ./profiler/pprof -top -cum
$folder/mutex.pb.gz
END
quiz_end
