#!/bin/sh
# Three questions about a run you saved, and one from lesson 1.
#
#   exercises/lesson3/quiz.sh [FOLDER]     the newest run in which the workers waited, unless told otherwise
# shellcheck source=exercises/engine/common.sh
. "$(dirname "$0")/../engine/common.sh"
lesson_load 3
# shellcheck source=exercises/engine/asking.sh
. exercises/engine/asking.sh

workers_wait() { # workers_wait FOLDER
    [ "$(standing "$1/threads.pb.gz" '^pool_all$')" -gt 0 ]
}
quiz_begin "${1-}" workers_wait threads-night.pb.gz threads-night.txt threads.pb.gz threads.txt

watchers=$(standing_most "$folder/threads-night.txt" watcher)
workers=$(standing_most "$folder/threads.txt" worker)
creator=$(creator_of_most "$folder/threads-night.txt" watcher)
case $watchers,$workers,$creator in
,* | *,,* | *,) die "$folder: its threads cannot be read" ;;
esac

ask 'At the end of the night: in which function of pool.c do most watchers stand?' \
    "./profiler/pprof -traces $folder/threads-night.pb.gz" "$watchers"
ask 'And which function had started them?' "less $folder/threads-night.txt: created by" "$creator"
ask 'In the morning: in which function of pool.c do most workers stand?' \
    "./profiler/pprof -peek 'pool_all|worker_run' $folder/threads.pb.gz" "$workers"

cat <<'END'

From lesson 1: flat is what a function does itself, cum what it and all it calls do. In a thread profile nearly all
that is flat stands in a few functions of libc, in which threads sleep; so it is cum that names the server's own.
END
quiz_end
