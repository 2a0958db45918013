#!/bin/sh
# Collects the CPU profile and the heap profile of the map's server over the same seconds, and says what each shows.
#
#   exercises/lesson7/run.sh                       a server and a load that you have started already
#   exercises/lesson7/run.sh --build flawed        starts both itself; or --build yours, --build reference
#
#   --budget-mb N     with --build: what the tiles that are kept may take (1); 0: keep none
# shellcheck source=exercises/engine/common.sh
. "$(dirname "$0")/../engine/common.sh"
lesson_load 7
# shellcheck source=exercises/engine/collecting.sh
. exercises/engine/collecting.sh

lesson_option() {
    [ "$1" = --budget-mb ] && server_options="--budget-mb $2"
}
seconds=10 requests_least=50
collect_options "$@"
collect_begin
sleep 1
"$build/fetch" "$url/stats" >"$out/stats-start.json"
get heap heap-start.pb.gz || die "no profiles on $debug: is this the server's --debug address?"
began=$(date +%s)
cpu_begin $((seconds - 1))
cpu_end
get heap heap.pb.gz
echo "$(($(date +%s) - began))" >"$out/seconds.txt"
load_end
collect_end
