#!/bin/sh
# Collects the profiles of the server of quotas that see waiting, and says what each shows.
#
#   exercises/lesson4/run.sh                       a server and a load that you have started already
#   exercises/lesson4/run.sh --build flawed        starts both itself; or --build yours, --build reference
# shellcheck source=exercises/engine/common.sh
. "$(dirname "$0")/../engine/common.sh"
lesson_load 4
# shellcheck source=exercises/engine/collecting.sh
. exercises/engine/collecting.sh

seconds=14 requests_least=100
collect_options "$@"
collect_begin
get 'threads?debug=2' threads.txt || die "no profiles on $debug: is this the server's --debug address?"
"$build/fetch" "$debug/debug/pprof/mutex?seconds=$((seconds - 1))" >"$out/mutex.pb.gz" &
mutex_pid=$!
"$build/fetch" "$debug/debug/pprof/block?seconds=$((seconds - 1))" >"$out/block.pb.gz" &
block_pid=$!
cpu_begin $((seconds - 1))

# Threads when it is worst: a short probe again and again, and the whole picture when more wait than before.
most=-1
while cpu_runs; do
    if get 'threads?debug=2' threads-probe.txt; then
        waiting=$(waiting_for_holder "$out/threads-probe.txt")
        if [ "$waiting" -gt "$most" ]; then
            most=$waiting
            mv "$out/threads-probe.txt" "$out/threads.txt"
        fi
    fi
    sleep 0.2
done
rm -f "$out/threads-probe.txt"
cpu_end
for pid in "$mutex_pid" "$block_pid"; do
    wait "$pid" || die "the mutex and block profiles did not come"
done
echo $((seconds - 1)) >"$out/seconds.txt"
collect_end
