#!/bin/sh
# Asks for the report, and looks at the heap again and again while it is read: a snapshot before or after would
# show nothing of it.
#
#   exercises/lesson2/spike.sh             keeps the largest heap profile as exercises/lesson2/profiles/spike.pb.gz
#   exercises/lesson2/spike.sh FILE        keeps it there, if that has no larger one yet
#   --url BASE, --debug BASE               where the server is (http://127.0.0.1:8080 and :6060)
# shellcheck source=exercises/engine/common.sh
. "$(dirname "$0")/../engine/common.sh"
lesson_load 2
# shellcheck source=exercises/engine/reading.sh
. exercises/engine/reading.sh

url=http://127.0.0.1:8080 debug=http://127.0.0.1:6060 file=$work/profiles/spike.pb.gz
while [ $# -gt 0 ]; do
    case $1 in
    -h | --help) sed -n '2,/^# shellcheck/ { /^# shellcheck/d; s/^# \{0,1\}//p; }' "$work/spike.sh" && exit 0 ;;
    --url) url=${2-} && shift ;;
    --debug) debug=${2-} && shift ;;
    -*) die "no option $1; --help lists them" ;;
    *) file=$1 ;;
    esac
    [ $# -gt 0 ] && shift
done
quiet_make profiler/pprof "$build/fetch" || exit 2
mkdir -p "$(dirname "$file")" || exit 2
[ "$file" != "$work/profiles/spike.pb.gz" ] || rm -f "$file" # of a server that may have been another
dir=$(mktemp -d) || exit 2
report_pid=''
trap 'kill $report_pid 2>/dev/null; rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM

snapshot() { # snapshot NAME: the heap as it is now
    "$build/fetch" "$debug/debug/pprof/heap" >"$dir/$1" || die "no profiles on $debug: is the server running?"
}
alive_kb() { # alive_kb FILE
    total "$1" -inuse_space -unit=kB
}
mb() { # mb KILOBYTES
    awk -v kb="$1" 'BEGIN { printf "%.1f", kb / 1024 }'
}

snapshot before
"$build/fetch" "$url/report" >"$dir/report" &
report_pid=$!
looks=0
while kill -0 "$report_pid" 2>/dev/null; do
    looks=$((looks + 1))
    snapshot "$looks"
done
wait "$report_pid" || die "no report from $url"
report_pid=''
snapshot after

most=0 most_at=before n=0
while [ "$n" -lt "$looks" ]; do
    n=$((n + 1))
    kb=$(alive_kb "$dir/$n")
    if [ "$(awk -v a="$kb" -v b="$most" 'BEGIN { print (a > b) }')" = 1 ]; then
        most=$kb most_at=$n
    fi
done
if [ ! -s "$file" ] || [ "$(awk -v a="$most" -v b="$(alive_kb "$file")" 'BEGIN { print (a > b) }')" = 1 ]; then
    cp "$dir/$most_at" "$file"
fi
echo "$(mb "$(alive_kb "$dir/before")") MB alive before, $(mb "$most") MB at most while the report was read, \
$(mb "$(alive_kb "$dir/after")") MB after (report of $(($(wc -c <"$dir/report") / 1024)) kB, $looks looks; in $file)"
