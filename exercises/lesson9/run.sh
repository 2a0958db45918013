#!/bin/sh
# Collects every profile of the incident's server over the same seconds, and its vital signs. What they mean is yours to
# say: quiz.sh takes the diagnosis.
#
#   exercises/lesson9/run.sh                       a server and a load that you have started already
#   exercises/lesson9/run.sh --build flawed        starts both itself; or --build yours, --build reference
# shellcheck source=exercises/engine/common.sh
. "$(dirname "$0")/../engine/common.sh"
lesson_load 9
# shellcheck source=exercises/engine/collecting.sh
. exercises/engine/collecting.sh

seconds=12 seconds_least=5 requests_least=20
collect_options "$@"
collect_begin
sleep 2 # until it has what it keeps when all is well
echo "$("$work/case.sh" seed) ${run_build:-running}" >"$out/case.txt"
get heap heap-start.pb.gz || die "no profiles on $debug: is this the server's --debug address?"
"$build/fetch" "$debug/debug/pprof/mutex?seconds=$((seconds - 2))" >"$out/mutex.pb.gz" &
mutex_pid=$!
"$build/fetch" "$debug/debug/pprof/block?seconds=$((seconds - 2))" >"$out/block.pb.gz" &
block_pid=$!
cpu_begin $((seconds - 2))
cpu_end
for pid in "$mutex_pid" "$block_pid"; do
    wait "$pid" || die "the mutex and block profiles did not come"
done
get threads threads.pb.gz
get 'threads?debug=2' threads.txt
get heap heap.pb.gz
echo $((seconds - 2)) >"$out/seconds.txt"
collect_end
