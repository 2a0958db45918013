#!/bin/sh
# Collects every profile of the gateway at once, while the load makes it slow, and says what each shows.
#
#   exercises/lesson6/run.sh                       a gateway and a load that you have started already
#   exercises/lesson6/run.sh --build flawed        starts both itself; or --build yours, --build reference
#
#   --json static     with --build: JSON made free, the counterfactual
# shellcheck source=exercises/engine/common.sh
. "$(dirname "$0")/../engine/common.sh"
lesson_load 6
# shellcheck source=exercises/engine/collecting.sh
. exercises/engine/collecting.sh

lesson_option() {
    [ "$1" = --json ] && export GATEWAY_JSON="$2"
}
seconds=13 # with one of its troubles, which come every ten seconds or so
collect_options "$@"
[ "$seconds" -ge 12 ] || echo "$seconds s may be too short: the trouble comes every ten seconds or so" >&2
collect_begin
watch_begin cache_entries
get heap heap-start.pb.gz || die "no profiles on $debug: is this the gateway's --debug address?"
sleep 2
cpu_begin $((seconds - 2))

# Threads when it is worst: a short probe again and again, and the whole picture when more wait than before.
most=-1 began=$(date +%s)
while cpu_runs; do
    [ ! -t 1 ] || printf '\r%d s, %s threads wait for a lock at most ' $(($(date +%s) - began)) "${most#-1}"
    if get 'threads?debug=1' threads-probe.txt; then
        waiting=$(threads_in_lock "$out/threads-probe.txt")
        moment threads "$(sed -n '1s/.* total \([0-9]*\)$/\1/p' "$out/threads-probe.txt")"
        moment waiting "$waiting"
        if [ "$waiting" -gt "$most" ]; then
            most=$waiting
            get threads threads.pb.gz
            get 'threads?debug=2' threads.txt
        fi
    fi
    sleep 0.5
done
[ ! -t 1 ] || printf '\r\033[K'
cpu_end
rm -f "$out/threads-probe.txt"
get heap heap.pb.gz
get mutex mutex.pb.gz
get block block.pb.gz
collect_end
