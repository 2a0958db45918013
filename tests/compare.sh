#!/bin/sh
# The page that pprof -compare writes, as a browser shows it from a file: of two folders with figures over time, of one
# without, and of hostile names. PICTURES=DIR keeps what it looks like.
looked_at='what pprof -compare writes'
# shellcheck source=tests/browser_common.sh
. tests/browser_common.sh

# folder NAME KIND OPTION…: a profile of that kind for each there may be, as the options leave it.
folder() {
    mkdir "$dir/$1"
    "$build/tests/make_profile" "$2" >"$dir/whole.pb.gz" || exit 1
    for name in cpu heap-start heap threads mutex; do
        "${PPROF:-profiler/pprof}" -symbolize=none -proto ${3:+"$3"} -output="$dir/$1/$name.pb.gz" "$dir/whole.pb.gz" 2>/dev/null || exit 1
    done
}
page() { # page BEFORE AFTER
    "${PPROF:-profiler/pprof}" -symbolize=none -compare "$dir/$1" "$dir/$2" >"$dir/$1-$2.html" || exit 1
}

folder flawed gateway
folder yours gateway -ignore=list_move
folder bare gateway -ignore=json_escape
folder hostile hostile
awk 'BEGIN { for (i = 0; i < 26; i++) printf "%d threads %d\n%d waiting %d\n%d p95_ms %d.5\n%d heap %d\n%d cache_entries %d\n%d queue_length 3\n",
    i * 500, 40 + i * 90, i * 500, i * 80, i * 500, 760 + i * 70, i * 500, 50000000 + i * 1000000, i * 500, 9000 + i * 200, i * 500 }' >"$dir/flawed/timeline.txt"
awk 'BEGIN { for (i = 0; i < 26; i++) printf "%d threads %d\n%d waiting 0\n%d p95_ms 765\n%d heap 41000000\n%d cache_entries 10000\n",
    i * 500, 150 + i, i * 500, i * 500, i * 500, i * 500 }' >"$dir/yours/timeline.txt"
bad='</script><script>hacked=1</script><img/src=x/onerror=hacked=2>'
printf '0 %s 7\n' "$(printf '%s' "$bad" | cut -c1-39)" >"$dir/hostile/timeline.txt"
printf 'source %s\nseconds 7\ntime now\n' "$bad" >"$dir/hostile/about.txt"
page flawed yours
page bare yours
page bare bare
page hostile hostile
node tests/compare.js "$chromium" "$dir" ${PICTURES:+"$PICTURES"} 2>&1
