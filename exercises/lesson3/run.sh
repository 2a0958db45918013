#!/bin/sh
# A night and a morning of the server of start pages in one go: profiles its threads after some quiet seconds, sends it
# the rush of the morning, profiles it again, and says what is there to see.
#
#   exercises/lesson3/run.sh                       a server and a quiet load that you have started already
#   exercises/lesson3/run.sh --build flawed        starts both itself; or --build yours, --build reference
# shellcheck source=exercises/engine/common.sh
. "$(dirname "$0")/../engine/common.sh"
lesson_load 3
# shellcheck source=exercises/engine/collecting.sh
. exercises/engine/collecting.sh

seconds=14 seconds_least=9 requests_least=5 morning=7
collect_options "$@"
collect_begin
sleep $((seconds - morning))
before=$(figure requests)
get threads threads-night.pb.gz || die "no profiles on $debug: is this the server's --debug address?"
after=$(figure requests)
echo $(((before + after) / 2)) >"$out/pages-night.txt" # as many as when the threads were looked at, or nearly
get 'threads?debug=2' threads-night.txt

# The morning comes on top of the night; where nothing is answered any more, neither load would end by itself.
# shellcheck disable=SC2086 # a list of options
./demos/load --url "$url" $LOAD --rate "${rate:-150}" --duration $((morning + 2)) --json "$out/morning.json" >"$out/morning.txt" 2>&1 &
morning_pid=$!
sleep 2
before=$(figure requests) began=$(date +%s%N)
cpu_begin $((morning - 2))
cpu_end
after=$(figure requests) ended=$(date +%s%N)
get threads threads.pb.gz
get 'threads?debug=2' threads.txt
# shellcheck disable=SC2086 # a list of process ids
kill -INT "$morning_pid" ${load_pid-} 2>/dev/null
wait "$morning_pid"
echo "$(((${after:-0} - ${before:-0}) * 1000 / ((ended - began) / 1000000)))" >"$out/pages-a-second.txt"
collect_end
