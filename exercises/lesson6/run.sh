#!/bin/sh
# Collects every profile of the gateway at once, while the load makes it slow, and says what each shows.
#
#   exercises/lesson6/run.sh                       a gateway and a load that you have started already
#   exercises/lesson6/run.sh --build flawed        starts both itself; or --build yours, --build reference
#
#   --seconds N    how long to collect (20)        --label TEXT   added to the folder's name
#   --url BASE, --debug BASE                       where the gateway is (127.0.0.1:8080 and :6060)
#   --rate N       requests a second, with --build
#   --json static                                  with --build: JSON made free, the counterfactual
#
# Leaves exercises/lesson6/profiles/DATE_TIME[-LABEL]/ with cpu, heap, threads, mutex and block profiles, the
# threads one by one, the gateway's and the load's own figures, and summary.txt.
# shellcheck source=exercises/engine/common.sh
. "$(dirname "$0")/../engine/common.sh"
# shellcheck source=exercises/lesson6/gateway.sh
. exercises/lesson6/gateway.sh
# shellcheck source=exercises/lesson6/findings.sh
. exercises/lesson6/findings.sh
lesson_load 6

url=http://127.0.0.1:8080 debug=http://127.0.0.1:6060 seconds=20 run_build='' label='' json='' rate=''
while [ $# -gt 0 ]; do
    case $1 in
    -h | --help) sed -n '2,/^# Leaves/ { /^# Leaves/d; s/^# \{0,1\}//p; }' "$work/run.sh" && exit 0 ;;
    esac
    [ $# -ge 2 ] || die "$1 wants a value; the top of $0 lists the options"
    case $1 in
    --build) run_build=$2 label=${label:-$2} ;;
    --seconds) seconds=$2 ;;
    --label) label=$2 ;;
    --url) url=$2 ;;
    --debug) debug=$2 ;;
    --json) json=$2 ;;
    --rate) rate=$2 ;;
    *) die "no option $1; the top of $0 lists them" ;;
    esac
    shift 2
done
case $seconds in
'' | *[!0-9]* | [0-3]) die "--seconds wants a number, 4 or more" ;;
esac
[ "$seconds" -ge 12 ] || echo "$seconds s may be too short: the trouble comes every ten seconds or so" >&2
case $label in
*[!A-Za-z0-9._-]*) die "--label may have letters, digits, dots, dashes" ;;
esac

quiet_make profiler/pprof demos/load "$build/fetch" || exit 2
out=$work/profiles/$(date +%Y-%m-%d_%H%M%S)${label:+-$label}
mkdir -p "$out" || exit 2

stop() { # and leave no folder that holds half of a run
    [ -z "${load_pid-}" ] || kill "$load_pid" 2>/dev/null
    [ -z "${cpu_pid-}" ] || kill "$cpu_pid" 2>/dev/null
    gateway_stop
    [ -s "$out/summary.txt" ] || rm -rf "$out"
}
trap stop EXIT
trap 'exit 130' INT TERM

get() { # get PATH FILE: from the profiles' server; keeps what was there when it fails
    "$build/fetch" "$debug/debug/pprof/$1" >"$out/part" && mv "$out/part" "$out/$2"
}
figure() { # figure NAME: from the gateway's /stats
    "$build/fetch" "$url/stats" 2>/dev/null | sed -n "s/.*\"$1\":\([0-9.]*\).*/\1/p"
}

# The prediction is asked for once, and shown beside what is found.
prediction=$work/prediction.txt
if [ ! -e "$prediction" ] && [ -t 0 ]; then
    printf 'Before you look: what makes the p95 high? One line, kept in %s: ' "$prediction"
    read -r answer && echo "$answer" >"$prediction"
fi

if [ -n "$run_build" ]; then
    program=$(gateway_program "$run_build") || exit 2
    [ "$run_build" != yours ] || seed
    quiet_make "$program" || exit 2
    [ -z "$json" ] || export GATEWAY_JSON="$json"
    gateway_start "$program" "$out/gateway.log" --port "${url##*:}" --debug "${debug#http://}"
    # Port 0 has become a true one.
    url=$gateway_url debug=$gateway_debug
    ./demos/load --url "$url" ${rate:+--rate "$rate"} --duration $((seconds + 4)) --json "$out/load.json" >"$out/load.txt" 2>&1 &
    load_pid=$!
else
    before=$(figure requests)
    [ -n "$before" ] || die "no gateway answers on $url: start ./demos/gateway, or use --build flawed"
    sleep 1
    after=$(figure requests)
    [ $((after - before)) -ge 100 ] ||
        die "nobody loads the gateway, and a quiet server's profiles show nothing: start ./demos/load first"
fi

echo "collecting for $seconds s into $out"
get heap heap-start.pb.gz || die "no profiles on $debug: is this the gateway's --debug address?"
sleep 2
"$build/fetch" "$debug/debug/pprof/profile?seconds=$((seconds - 2))" >"$out/cpu.pb.gz" &
cpu_pid=$!

# Threads when it is worst: a short probe again and again, and the whole picture when more wait than before.
most=-1 began=$(date +%s)
while kill -0 "$cpu_pid" 2>/dev/null; do
    [ ! -t 1 ] || printf '\r%d s, %s threads wait for a lock at most ' $(($(date +%s) - began)) "${most#-1}"
    if get 'threads?debug=1' threads-probe.txt; then
        waiting=$(threads_in_lock "$out/threads-probe.txt")
        if [ "$waiting" -gt "$most" ]; then
            most=$waiting
            get threads threads.pb.gz
            get 'threads?debug=2' threads.txt
        fi
    fi
    sleep 0.5
done
[ ! -t 1 ] || printf '\r\033[K'
wait "$cpu_pid" || die "the CPU profile did not come"
cpu_pid=''
rm -f "$out/threads-probe.txt"
get heap heap.pb.gz
get mutex mutex.pb.gz
get block block.pb.gz
"$build/fetch" "$url/stats" >"$out/stats.json"
if [ -n "${load_pid-}" ]; then
    wait "$load_pid"
    load_pid=''
fi
findings "$out" >"$out/summary.txt"
cat "$out/summary.txt"
echo "kept in $out; exercises/lesson6/quiz.sh asks three questions about it"
