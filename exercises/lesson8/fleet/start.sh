#!/bin/sh
# Starts ten box offices, into which nobody has built a profiler: libcprof.so is preloaded, and each serves its profiles on
# a port of its own. One of them is not like the others.
#
#   exercises/lesson8/fleet/start.sh [--offices N] [--port FIRST]      ten, from 7071 on: as in parca.yaml
#   exercises/lesson8/fleet/stop.sh                                    ends them
# shellcheck source=exercises/engine/common.sh
. "$(dirname "$0")/../../engine/common.sh"
lesson_load 8
# shellcheck source=exercises/lesson8/fleet/fleet_common.sh
. exercises/lesson8/fleet/fleet_common.sh

offices=10 port=7071 odd=${FLEET_ODD-}
while [ $# -gt 0 ]; do
    case $1,${2-} in
    --offices,*[!0-9]* | --port,*[!0-9]* | --offices, | --port,) die "$1 wants a number" ;;
    --offices,*) offices=$2 ;;
    --port,*) port=$2 ;;
    *) die "usage: start.sh [--offices N] [--port FIRST]" ;;
    esac
    shift 2
done
if [ "$offices" -lt 2 ] || [ "$offices" -gt 100 ]; then
    die "--offices: from 2 to 100"
fi
[ -n "$odd" ] || odd=$(($(date +%s) % offices))
quiet_make profiler/libcprof.so profiler/libcprof-export.so "$build/office" "$build/fetch" || exit 2
unset CPROF_TOKEN # they are on loopback, and we ask without
stop_fleet
mkdir -p "$state_of_fleet" || exit 2
: >"$state_of_fleet/pids"
: >"$state_of_fleet/instances"

n=0
while [ "$n" -lt "$offices" ]; do
    address=127.0.0.1:$((port + n)) sold=1000
    [ "$n" -ne "$odd" ] || sold=1000000
    LD_PRELOAD=$PWD/profiler/libcprof.so CPROF_HTTP=$address "$build/office" "$sold" >"$state_of_fleet/log-$n" 2>&1 &
    echo $! >>"$state_of_fleet/pids"
    echo "$address" >>"$state_of_fleet/instances"
    n=$((n + 1))
done

# All of them serve, or none is left.
for address in $(instances); do
    tries=0
    until "$build/fetch" "http://$address/debug/pprof/cmdline" 2>/dev/null | grep -aq office; do
        tries=$((tries + 1))
        if [ "$tries" -gt 100 ]; then
            cat "$state_of_fleet"/log-* >&2
            stop_fleet
            die "no box office answers on $address: is the port taken? --port FIRST chooses others"
        fi
        sleep 0.1
    done
done
echo "$offices box offices serve their profiles on 127.0.0.1:$port to $((port + offices - 1)); $fleet/stop.sh ends them"
