#!/bin/sh
# Collects the CPU profile of the server of articles, and says what it shows.
#
#   exercises/lesson1/run.sh                       a server and a load that you have started already
#   exercises/lesson1/run.sh --build flawed        starts both itself; or --build yours, --build reference
# shellcheck source=exercises/engine/common.sh
. "$(dirname "$0")/../engine/common.sh"
lesson_load 1
# shellcheck source=exercises/engine/collecting.sh
. exercises/engine/collecting.sh

seconds=10 seconds_least=2 requests_least=10
collect_options "$@"
collect_begin
before=$(figure requests)
cpu_begin "$seconds"
cpu_end
echo "$(($(figure requests) - before))" >"$out/requests.txt"
collect_end
