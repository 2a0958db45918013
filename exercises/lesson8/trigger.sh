#!/bin/sh
# Profiles at the symptom: watches a server's own figures, and when it hurts collects every profile at once, for who comes
# in the morning.
#
#   exercises/lesson8/trigger.sh --p95-ms 500 --threads 200
#
# A limit is passed when two looks in a row say so: one is chance. Then `pprof -triage` fills a folder, and nothing more
# is collected for a while: profiling a server that is in trouble adds to it. Old folders make room for new ones.
#
#   --p95-ms N, --threads N      the limits; at least one
#   --into FOLDER                where the folders go (exercises/lesson8/profiles/triggered)
#   --seconds N                  how long to collect (10)
#   --every N, --hold-off N      seconds from look to look (1), and from one folder to the next (300)
#   --keep N, --times N          how many folders are kept (5), and after how many it ends (0: never)
#   --url BASE, --debug BASE     where the server is (http://127.0.0.1:8080 and http://127.0.0.1:6060)
#
# CPROF_TOKEN goes to the debug port. Exit: 0 after --times or Ctrl-C, 2 when it cannot watch.
# shellcheck source=exercises/engine/common.sh
. "$(dirname "$0")/../engine/common.sh"
lesson_load 8

p95_ms='' threads='' into=$work/profiles/triggered seconds=10 every=1 hold_off=300 keep=5 times=0
url=http://127.0.0.1:8080 debug=http://127.0.0.1:6060
while [ $# -gt 0 ]; do
    case $1 in
    -h | --help) sed -n '2,/^# shellcheck/ { /^# shellcheck/d; s/^# \{0,1\}//p; }' "$work/trigger.sh" && exit 0 ;;
    esac
    [ $# -ge 2 ] || die "$1 wants a value; --help lists the options"
    case $1 in
    --url) url=$2 ;;
    --debug) debug=$2 ;;
    --into) into=$(given_path "$2") ;;
    --p95-ms | --threads | --seconds | --every | --hold-off | --keep | --times)
        case $2 in
        '' | *[!0-9]*) die "$1 wants a number, not '$2'" ;;
        esac
        case $1 in
        --p95-ms) p95_ms=$2 ;;
        --threads) threads=$2 ;;
        --seconds) seconds=$2 ;;
        --every) every=$2 ;;
        --hold-off) hold_off=$2 ;;
        --keep) keep=$2 ;;
        --times) times=$2 ;;
        esac
        ;;
    *) die "no option $1; --help lists them" ;;
    esac
    shift 2
done
[ -n "$p95_ms$threads" ] || die "which limit? --p95-ms N, --threads N, or both"
if [ "$seconds" -lt 1 ] || [ "$keep" -lt 1 ]; then
    die "--seconds and --keep want 1 or more"
fi
quiet_make profiler/pprof "$build/fetch" || exit 2
mkdir -p "$into" || exit 2
trap 'exit 0' INT TERM

figure() { # figure NAME STATS
    printf '%s' "$2" | sed -n "s/.*\"$1\":\([0-9.]*\).*/\1/p"
}

# passed STATS: says which limit is, and is true then
passed() {
    awk -v p95="$(figure p95_ms "$1")" -v threads="$(figure threads "$1")" -v p95_most="$p95_ms" -v threads_most="$threads" '
        BEGIN {
            if (p95_most != "" && p95 + 0 > p95_most + 0) why = sprintf("p95 is %s ms, above %s", p95, p95_most)
            else if (threads_most != "" && threads + 0 > threads_most + 0) why = sprintf("%s threads, above %s", threads, threads_most)
            if (why != "") print why
            exit why == ""
        }'
}

make_room() { # of our own folders, by name, which is their date
    for folder in "$into"/*_triggered; do
        [ ! -d "$folder" ] || echo "$folder"
    done | sort -r | tail -n "+$((keep + 1))" | while read -r folder; do
        rm -rf "$folder"
    done
}

# The tool names its folder itself; it is made below a folder of this one's, and moved to a dated name.
collect() {
    folder=$into/$(date +%Y-%m-%d_%H%M%S)_triggered
    part=$into/part-$$
    mkdir -p "$part"
    PPROF_TMPDIR=$part ./profiler/pprof -triage -seconds="$seconds" "$debug" >"$part/triage.txt" 2>"$part/err.txt"
    code=$?
    for made in "$part"/pprof.triage*; do
        if [ -d "$made" ]; then
            mv "$made" "$folder"
            { echo "$1" && cat "$part/triage.txt"; } >"$folder/triage.txt"
        fi
    done
    [ "$code" -eq 0 ] || sed 's/^/trigger: /' "$part/err.txt" >&2
    rm -rf "$part"
    [ -d "$folder" ]
}

"$build/fetch" "$url/stats" >/dev/null 2>&1 || die "no server answers on $url/stats"
echo "watching $url: ${p95_ms:+p95 above $p95_ms ms}${p95_ms:+${threads:+, }}${threads:+more than $threads threads}"
in_a_row=0 done_so_far=0
while :; do
    stats=$("$build/fetch" "$url/stats" 2>/dev/null) || stats=''
    if [ -n "$stats" ] && why=$(passed "$stats"); then
        in_a_row=$((in_a_row + 1))
    else
        in_a_row=0
    fi
    if [ "$in_a_row" -ge 2 ]; then
        in_a_row=0
        echo "$(date +%H:%M:%S) $why: collecting for $seconds s"
        if collect "$why"; then
            echo "kept in $folder; ./profiler/pprof -triage $folder shows it"
            done_so_far=$((done_so_far + 1))
            make_room
            [ "$times" -eq 0 ] || [ "$done_so_far" -lt "$times" ] || exit 0
        fi
        sleep "$hold_off" &
        wait $!
    fi
    sleep "$every" &
    wait $!
done
