#!/bin/sh
# pprof -http as a browser shows it: every view, search, zoom, filters, back, keys, names for those who do not see,
# contrast in light and dark, wide and narrow, names from hostile profiles, and what a page of another site gets of it and
# of a program with libcprof. PICTURES=DIR keeps what it looks like.
looked_at='what pprof -http shows'
# shellcheck source=tests/browser_common.sh
. tests/browser_common.sh

serve() { # serve NAME ARGS...: its address is in $dir/NAME
    name=$1
    shift
    "${PPROF:-profiler/pprof}" -symbolize=none -no_browser -http=localhost:0 "$@" >/dev/null 2>"$dir/$name.err" </dev/null &
    running="$running $!"
    for _ in $(seq 100); do
        sed -n 's/^Serving web UI on //p' "$dir/$name.err" >"$dir/$name"
        [ -s "$dir/$name" ] && return
        sleep 0.1
    done
    echo "pprof -http of $name does not say where it is" && cat "$dir/$name.err" && exit 1
}

"$build/tests/make_profile" gateway >"$dir/gateway.pb.gz" || exit 1
"$build/tests/make_profile" hostile >"$dir/hostile.pb.gz" || exit 1
"${PPROF:-profiler/pprof}" -proto -ignore=hash_key -output="$dir/before.pb.gz" "$dir/gateway.pb.gz" 2>/dev/null || exit 1
"${PPROF:-profiler/pprof}" -proto -ignore=json_escape -output="$dir/after.pb.gz" "$dir/gateway.pb.gz" 2>/dev/null || exit 1
serve gateway "$dir/gateway.pb.gz"
serve difference -diff_base="$dir/before.pb.gz" "$dir/after.pb.gz"
serve hostile "$dir/hostile.pb.gz"
"$build/tests/make_profile" own >"$dir/own.pb.gz" || exit 1
serve own -symbolize=local "$dir/own.pb.gz"
# Of 30 stacks of 100 functions, which is more than is drawn at once.
awk 'BEGIN {
    for (stack = 0; stack < 30; stack++) {
        printf "crowd 1 %d.000000: 1 cycles:\n", stack + 1
        for (depth = 99; depth >= 0; depth--)
            printf "\t%x f%d_%d (/crowd)\n", 4096 + 256 * stack + depth, stack, depth
        print ""
    }
}' >"$dir/crowd.perf"
serve crowd "$dir/crowd.perf"
# A program with libcprof, for the page of a stranger.
mkfifo "$dir/open"
"$build/tests/target" 127.0.0.1:0 <"$dir/open" >"$dir/target" &
running="$running $!"
exec 9>"$dir/open"
for _ in $(seq 100); do
    [ -s "$dir/target" ] && break
    sleep 0.1
done
node tests/web_browser.js "$chromium" "$(cat "$dir/gateway")" "$(cat "$dir/difference")" "$(cat "$dir/hostile")" "$(cat "$dir/own")" "$(cat "$dir/crowd")" \
    "http://$(cat "$dir/target")/debug/pprof" \
    ${PICTURES:+"$PICTURES"} 2>&1
