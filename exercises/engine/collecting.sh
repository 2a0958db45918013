# shellcheck shell=sh disable=SC2034,SC2154 # what is set here is used by those that source it, and the other way round
# How a lesson's run.sh collects profiles into a dated folder; sourced by it after lesson_load. It says which, and when:
#
#     seconds=20 seconds_least=4 requests_least=100     how long; and how many requests a second are a load
#     collect_options "$@"        the options below, and those that its function lesson_option NAME VALUE takes
#     collect_begin               asks for the prediction; server and load are there, and the folder $out
#     watch_begin FIGURE…         notes these of /stats, p95 and the live heap over time, until collect_end
#     moment NAME VALUE           notes another figure over time
#     get heap heap.pb.gz         any profile, from the server's --debug address
#     cpu_begin $((seconds - 2))  the CPU profile, beside what comes next
#     while cpu_runs; do …; done
#     cpu_end
#     load_end                    the load stops here, if it need not run its time
#     collect_end                 /stats, the load's figures, and summary.txt by the lesson's findings.sh
#
# lesson.conf has LOAD, the options of ./demos/load that make the lesson's traffic.
# shellcheck source=exercises/engine/server.sh
. exercises/engine/server.sh
# shellcheck source=exercises/engine/reading.sh
. exercises/engine/reading.sh

seconds=20 seconds_least=4 requests_least=100
url=http://127.0.0.1:8080 debug=http://127.0.0.1:6060 run_build='' label='' rate='' server_options=''

collect_help() { # the lesson's own comment, and the options that all have
    sed -n '2,/^# shellcheck/ { /^# shellcheck/d; s/^# \{0,1\}//p; }' "$work/run.sh"
    cat <<END

Options of every lesson:
  --build WHICH     starts server and load itself: flawed, yours or reference; without it, they run already
  --seconds N       how long to collect ($seconds)
  --rate N          requests a second, with --build
  --label TEXT      added to the folder's name
  --url BASE, --debug BASE     where the server is ($url and $debug)

Leaves $work/profiles/DATE_TIME[-LABEL]/ with the profiles, the server's and the load's own figures, and summary.txt.
END
}

lesson_option() {
    return 1
}

collect_options() {
    while [ $# -gt 0 ]; do
        case $1 in
        -h | --help) collect_help && exit 0 ;;
        esac
        [ $# -ge 2 ] || die "$1 wants a value; --help lists the options"
        case $1 in
        --build) run_build=$2 label=${label:-$2} ;;
        --seconds) seconds=$2 ;;
        --label) label=$2 ;;
        --url) url=$2 ;;
        --debug) debug=$2 ;;
        --rate) rate=$2 ;;
        *) lesson_option "$1" "$2" || die "no option $1; --help lists them" ;;
        esac
        shift 2
    done
    case $seconds in
    '' | *[!0-9]*) die "--seconds wants a number, $seconds_least or more" ;;
    esac
    [ "$seconds" -ge "$seconds_least" ] || die "--seconds wants a number, $seconds_least or more"
    case $label in
    *[!A-Za-z0-9._-]*) die "--label may have letters, digits, dots, dashes" ;;
    esac
}

collect_stop() { # and leave no folder that holds half of a run
    [ -z "${load_pid-}" ] || kill "$load_pid" 2>/dev/null
    [ -z "${cpu_pid-}" ] || kill "$cpu_pid" 2>/dev/null
    watch_end
    server_stop
    [ -s "$out/summary.txt" ] || rm -rf "$out"
}

get() { # get PATH FILE: from the profiles' server; keeps what was there when it fails
    "$build/fetch" "$debug/debug/pprof/$1" >"$out/part" && mv "$out/part" "$out/$2"
}

figure() { # figure NAME: from the server's /stats
    "$build/fetch" "$url/stats" 2>/dev/null | sed -n "s/.*\"$1\":\([0-9.]*\).*/\1/p"
}

start_both() {
    program=$(server_program "$run_build") || exit 2
    [ "$run_build" != yours ] || seed
    quiet_make "$program" || exit 2
    # shellcheck disable=SC2086 # a list of options
    server_start "$program" "$out/server.log" --port "${url##*:}" --debug "${debug#http://}" $server_options
    # Port 0 has become a true one.
    url=$server_url debug=$server_debug
    collect_began=$(date +%s%3N)
    # shellcheck disable=SC2086 # a list of options
    ./demos/load --url "$url" $LOAD ${rate:+--rate "$rate"} --duration $((seconds + 4)) --json "$out/load.json" \
        --timeline "$out/timeline.txt" >"$out/load.txt" 2>&1 &
    load_pid=$!
}

find_both() {
    before=$(figure requests)
    [ -n "$before" ] || die "no $DEMO server answers on $url: start ./demos/$DEMO, or use --build flawed"
    sleep 1
    after=$(figure requests)
    [ $((after - before)) -ge "$requests_least" ] ||
        die "nobody loads the $DEMO server, and a quiet server's profiles show nothing: start ./demos/load first"
    collect_began=$(date +%s%3N)
}

collect_begin() {
    quiet_make profiler/pprof demos/load "$build/fetch" || exit 2
    out=$work/profiles/$(date +%Y-%m-%d_%H%M%S)${label:+-$label}
    mkdir -p "$out" || exit 2
    trap collect_stop EXIT
    trap 'exit 130' INT TERM
    [ -n "$(state_get prediction)" ] || [ ! -t 0 ] || exercises/engine/predict.sh "$number"
    if [ -n "$run_build" ]; then
        start_both
    else
        find_both
    fi
    echo "collecting for $seconds s into $out"
}

# What changes meanwhile is noted as pprof -triage notes it, which shows it: a line "MS NAME VALUE" in timeline.txt.
moment() { # moment NAME VALUE: unless there is none
    [ -z "$2" ] || echo "$(($(date +%s%3N) - collect_began)) $1 $2" >>"$out/timeline.txt"
}

watch() { # watch FIGURE…: beside all else, since a server in trouble may be long in answering
    [ -n "${load_pid-}" ] || set -- "$@" p95_ms # else the load notes it, as clients see it
    while :; do
        stats=$("$build/fetch" "$url/stats" 2>/dev/null)
        for name; do
            moment "$name" "$(printf '%s' "$stats" | sed -n "s/.*\"$name\":\([0-9.]*\).*/\1/p")"
        done
        moment heap "$("$build/fetch" "$debug/debug/pprof/heap?debug=1" 2>/dev/null | sed -n '1s/^heap profile: [0-9]*: \([0-9]*\) .*/\1/p')"
        sleep 0.5
    done
}

watch_begin() { # watch_begin FIGURE…
    watch "$@" &
    watch_pid=$!
}

watch_end() {
    [ -z "${watch_pid-}" ] || kill "$watch_pid" 2>/dev/null
    watch_pid=''
}

cpu_begin() { # cpu_begin SECONDS
    "$build/fetch" "$debug/debug/pprof/profile?seconds=$1" >"$out/cpu.pb.gz" &
    cpu_pid=$!
}

cpu_runs() {
    kill -0 "$cpu_pid" 2>/dev/null
}

cpu_end() {
    wait "$cpu_pid" || die "the CPU profile did not come"
    cpu_pid=''
}

load_end() { # nobody needs it any more: what it has measured is enough
    [ -z "${load_pid-}" ] || kill -INT "$load_pid" 2>/dev/null
}

collect_end() {
    watch_end
    "$build/fetch" "$url/stats" >"$out/stats.json"
    if [ -n "${load_pid-}" ]; then
        wait "$load_pid"
        load_pid=''
    fi
    figures "$out" >"$out/figures.txt"
    {
        echo
        prediction=$(state_get prediction)
        [ -z "$prediction" ] || finding predicted '%s' "$prediction"
        folder=$out
        findings "$out"
        echo
    } >"$out/summary.txt"
    cat "$out/summary.txt"
    echo "kept in $out; $work/quiz.sh asks three questions about it"
    [ "$run_build" != yours ] || echo "make report$number sets it beside the flawed server's run"
}
