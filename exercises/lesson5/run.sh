#!/bin/sh
# Starts the server and its load, lets it print the team's report, collects its CPU, mutex and block profiles meanwhile,
# and says what each shows.
#
#   exercises/lesson5/run.sh                      the flawed stopwatch; or --build yours, --build reference
#
# It starts both itself: the report is printed just once, when the server starts.
# shellcheck source=exercises/engine/common.sh
. "$(dirname "$0")/../engine/common.sh"
lesson_load 5
# shellcheck source=exercises/engine/collecting.sh
. exercises/engine/collecting.sh
# shellcheck disable=SC2034 # collecting.sh's
seconds_least=12

collect_options "$@"
[ -n "$run_build" ] || run_build=flawed label=${label:-flawed}
# shellcheck disable=SC2034
server_options="--report $((seconds - 6))"
collect_begin
cpu_begin $((seconds - 2))
began=$(date +%s)
while cpu_runs; do
    [ ! -t 1 ] || printf '\r%d s ' $(($(date +%s) - began))
    sleep 0.5
done
[ ! -t 1 ] || printf '\r\033[K'
cpu_end
tries=0
until grep -q '^  a request' "$out/server.log"; do
    tries=$((tries + 1))
    [ "$tries" -lt 200 ] || die "the report does not end: a stopwatch that waits for ever?"
    sleep 0.1
done
get mutex mutex.pb.gz
get block block.pb.gz
collect_end
