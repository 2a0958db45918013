#!/bin/sh
# Reads the ticket office's debug port as its owner and as a stranger, and says who saw what, and what it costs.
#
#   exercises/lesson8/run.sh                       a server and a load that you have started already
#   exercises/lesson8/run.sh --build flawed        starts both itself; or --build yours, --build reference
#
#   --heap-rate N     with --build: a sample every N bytes, whatever debug_http.c says; 0: none
#
# The stranger is another address of this machine, 127.0.0.2: what gets through there gets through from everywhere. The
# secret is a canary, --signing-key canary-4711.
# shellcheck source=exercises/engine/common.sh
. "$(dirname "$0")/../engine/common.sh"
lesson_load 8
# shellcheck source=exercises/engine/collecting.sh
. exercises/engine/collecting.sh

lesson_option() {
    [ "$1" = --heap-rate ] && export CPROF_HEAP_RATE="$2"
}
seconds=6 requests_least=50 seconds_least=4
server_options='--signing-key canary-4711'
collect_options "$@"
[ -z "$run_build" ] || unset CPROF_TOKEN # the repaired server would want it of us, too
collect_begin
sleep 1
"$build/fetch" "$url/stats" >"$out/stats-start.json"
get heap heap.pb.gz || die "no profiles on $debug: is this the server's --debug address?"
cpu_begin $((seconds - 3))
get "allocs?seconds=$((seconds - 3))" allocs.pb.gz || die "the allocations did not come"
cpu_end
"$build/fetch" "$url/stats" >"$out/stats-end.json"

# The same pages, by two who ask. What is refused leaves no file.
for page in pprof/ pprof/cmdline pprof/heap pprof/threads pprof/mutex pprof/block vars; do
    name=$(echo "$page" | tr -d /)
    for who in owner stranger; do
        at=$debug
        [ "$who" = owner ] || at=http://127.0.0.2:${debug##*:}
        if "$build/fetch" "$at/debug/$page" >"$out/part" 2>/dev/null; then
            mv "$out/part" "$out/$who-$name"
        fi
    done
done
rm -f "$out/part"

# A profile of fifty minutes: begun, or refused at once?
timeout 2 "$build/fetch" "$debug/debug/pprof/heap?seconds=3000" >/dev/null 2>&1
[ $? -eq 124 ] && echo 1 >"$out/long.txt" || echo 0 >"$out/long.txt"
load_end
collect_end
