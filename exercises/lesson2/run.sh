#!/bin/sh
# Collects the heap of the webmail's sessions at the start, at the end, and at its highest while a report is read,
# and says what each shows.
#
#   exercises/lesson2/run.sh                       a server and a load that you have started already
#   exercises/lesson2/run.sh --build flawed        starts both itself; or --build yours, --build reference
# shellcheck source=exercises/engine/common.sh
. "$(dirname "$0")/../engine/common.sh"
lesson_load 2
# shellcheck source=exercises/engine/collecting.sh
. exercises/engine/collecting.sh

seconds=15 seconds_least=6
collect_options "$@"
collect_begin
sleep 2 # by when as many log out as log in
get heap heap-start.pb.gz || die "no profiles on $debug: is this the server's --debug address?"
began=$(date +%s)
while passed=$(($(date +%s) - began)) && [ "$passed" -lt $((seconds - 2)) ]; do
    "$work/spike.sh" --url "$url" --debug "$debug" "$out/heap-spike.pb.gz" >>"$out/spikes.txt" || exit 2
    [ ! -t 1 ] || printf '\r%d s, %d reports ' "$passed" "$(wc -l <"$out/spikes.txt")"
    sleep 2
done
[ ! -t 1 ] || printf '\r\033[K'
get heap heap.pb.gz
ended=$(date +%s)
# On a busy machine the looks at reports may take longer than the load lasts, and without it nothing grows.
[ ! -s "$out/load.json" ] || ended=$(date -r "$out/load.json" +%s)
echo "$((ended - began))" >"$out/seconds.txt"
collect_end
