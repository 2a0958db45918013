#!/bin/sh
# Three questions about a run you saved, and one from lesson 1.
#
#   exercises/lesson2/quiz.sh [FOLDER]     the newest run in which the heap grew, unless told otherwise
# shellcheck source=exercises/engine/common.sh
. "$(dirname "$0")/../engine/common.sh"
lesson_load 2
# shellcheck source=exercises/engine/asking.sh
. exercises/engine/asking.sh

heap_grew() { # heap_grew FOLDER
    [ "$(sed -n 's/^grown_session_new \([0-9]*\).*/\1/p' "$1/figures.txt")" -ge 50 ] && [ -n "$(in_the_spike_alone "$1")" ]
}
quiz_begin "${1-}" heap_grew heap-start.pb.gz heap.pb.gz heap-spike.pb.gz figures.txt

ours='^(handle_login|login|sessions_login|session_new|sessions_note)$'
growing=$(grown "$folder" -cum | awk -v ours="$ours" '$5 ~ ours { names = $5 " " names } END { print names }')
churning=$(first_function "$folder/heap.pb.gz" -alloc_space)
spiking=$(in_the_spike_alone "$folder")
[ -n "$churning" ] || die "$folder: its profiles cannot be read"

if [ -n "$growing" ]; then
    # shellcheck disable=SC2086 # a list of names
    ask 'Through which function of the server was most of what came and stayed allocated?' \
        "./profiler/pprof -top -cum -inuse_space -diff_base $folder/heap-start.pb.gz $folder/heap.pb.gz" $growing
else
    echo "In this run nothing grew: take one of the flawed server for the first question."
fi
ask 'Which function has allocated most, alive or not?' "./profiler/pprof -top -alloc_space $folder/heap.pb.gz" "$churning"
if [ -n "$spiking" ]; then
    # shellcheck disable=SC2086 # a list of names
    ask 'Name a function of the server that has much in the spike, and nothing after it.' \
        "./profiler/pprof -top -cum -inuse_space $folder/heap-spike.pb.gz" $spiking
else
    echo "In this run the report leaves no spike: take one of the flawed server for the third question."
fi

cat <<END

From lesson 1: by flat, strdup has made most of what is alive. Flat names the function that called malloc, cum those
on whose behalf; so it is -cum, or -peek strdup, that leads from libc to session_new. Neither names the culprit:
a heap profile knows who allocated what is alive, and cannot know who should have freed it.
END
quiz_end
