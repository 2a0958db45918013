#!/bin/sh
# Three questions about a run you saved, and one from lesson 6.
#
#   exercises/lesson8/quiz.sh [FOLDER]     the newest run that shows the secret and samples the heap, unless told otherwise
# shellcheck source=exercises/engine/common.sh
. "$(dirname "$0")/../engine/common.sh"
lesson_load 8
# shellcheck source=exercises/engine/asking.sh
. exercises/engine/asking.sh

quiz_begin "${1-}" shows_all cpu.pb.gz heap.pb.gz figures.txt

period=$(period_of "$folder/heap.pb.gz")
[ -n "$period" ] || die "$folder: its heap profile cannot be read"

if shows_secret "$folder"; then
    # shellcheck disable=SC2046 # a list of names
    ask 'The signing key is on a page that was served. Name one, as the folder does: owner-...' \
        "grep -la canary $folder/owner-*" $(pages_with_secret "$folder" | sed 's/^/owner-/')
else
    echo "In this run no page shows the key: take one of the flawed server for the first question."
fi
ask 'Every how many bytes was the heap sampled?' "./profiler/pprof -raw $folder/heap.pb.gz | head" "$period"
if [ "$(codes_in "$folder/cpu.pb.gz")" -gt 0 ]; then
    ask 'Under which key does the CPU profile have what nobody should know?' "./profiler/pprof -tags $folder/cpu.pb.gz" \
        ticket
else
    ask 'Which function of the server has most CPU time, with all it calls? One of ticket.c.' \
        "./profiler/pprof -top -cum $folder/cpu.pb.gz" "$(rows "$folder/cpu.pb.gz" -cum |
            awk '$5 ~ /^(ticket_new|put_plan|put_row|seat_name|sign)$/ { print $5; exit }')"
fi

cat <<'END'

From lesson 6: the gateway's CPU profile had a clear winner, and it was not the cause. Which profile do you ask when
p95 is high and processors are idle? Threads, for who waits and for what, and then mutex, for who makes them wait. A
trigger that collects only CPU when it hurts would have missed it: that is why it collects all of them, at once.
END
quiz_end
