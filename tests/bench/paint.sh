#!/bin/sh
# How quick pprof -http is in the browser: until the first flame graph is painted, and from a click or a letter typed until
# what it changes is. In Chromium without a window.
#
#   paint.sh [PROFILE…]     beside the profiles that are made here: these
#   MB=160 RUNS=3
#
# Profiles are made here of 4 MB, and of MB million bytes, which is a million samples. "Opening" begins with the request for
# the page, so that the tree is made in it.
# shellcheck source=tests/bench/common.sh
. tests/bench/common.sh

runs=${RUNS:-3} mb=${MB:-160}
export HOME="$raw" PPROF_TMPDIR="$raw" PPROF_BINARY_PATH=/nonexistent
chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
if [ -z "$chromium" ] || ! have node; then
    row 'flame graph in the browser' '' - - "$(skipped Chromium 'chromium and nodejs')"
    exit 0
fi

# measure PROFILE: what paint.js says, in $raw/paint.
measure() {
    : >"$raw/err"
    profiler/pprof -symbolize=none -no_browser -http=localhost:0 "$1" >/dev/null 2>"$raw/err" </dev/null &
    server=$!
    until url=$(sed -n 's/^Serving web UI on //p' "$raw/err") && [ -n "$url" ]; do
        kill -0 "$server" 2>/dev/null || { cat "$raw/err" >&2 && exit 1; }
        sleep 0.05
    done
    node tests/bench/paint.js "$chromium" "$url/ui/flamegraph" "$runs" >"$raw/paint" 2>&1 || { cat "$raw/paint" >&2 && exit 1; }
    kill -INT "$server"
    wait "$server"
}

# rows WHAT PROFILE FIRST_MS BAR_MB: a bar of - is none
rows() {
    measure "$2"
    first=$(value first "$raw/paint")
    row "$1: first flame graph" "$first ms, $(value first "$raw/paint" 3) at most" "$([ "$3" = - ] && echo - || echo "<= $3 ms")" "$(at_most "$first" "$3")"
    for what in zoom search; do
        ms=$(value $what "$raw/paint")
        row "$1: $what" "$ms ms, $(value $what "$raw/paint" 3) at most" '<= 100 ms' "$(at_most "$ms" 100)"
    done
    bytes=$(value bytes "$raw/paint")
    row "$1: transferred" "$(awk -v n="$bytes" 'BEGIN { printf "%.1f MB", n / 1e6 }')" "<= $4 MB" "$(at_most "$bytes" "${4}e6")"
}

"$built/tool_profile" proto 4 | gzip >"$raw/small" || exit 1
rows '4 MB' "$raw/small" 1000 50
for profile; do
    rows "$(basename "$profile")" "$profile" 1000 50
done
"$built/tool_profile" proto "$mb" >"$raw/large" || exit 1
rows "$mb MB" "$raw/large" - 50
