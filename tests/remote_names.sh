#!/bin/sh
# Names from the server: the old text formats have addresses alone, and a program with libcprof tells pprof the
# functions that are there, which reports then show.
# shellcheck source=tests/target_common.sh
. tests/target_common.sh
start_target "unix:$dir/socket"
url=unix:$dir/socket:/debug/pprof

# shows MODE PROFILE NAME...: whether each name is in the report.
shows() {
    mode=$1 profile=$2
    shift 2
    "${PPROF:-profiler/pprof}" -symbolize="$mode" -top -nodefraction=0 "$url/$profile" >"$dir/out" 2>"$dir/err" || return 1
    for name in "$@"; do
        grep -q " $name\$" "$dir/out" || return 1
    done
}

for mode in remote ''; do
    if ! shows "$mode" 'heap?debug=1' target_keep main || ! shows "$mode" 'threads?debug=1' contend compute; then
        echo "-symbolize=$mode: names are missing" && cat "$dir/err" "$dir/out" && bad=1
    fi
    if grep 'symbol: ' "$dir/err"; then
        echo "-symbolize=$mode: a warning" && bad=1
    fi
done
for mode in none local; do
    if shows $mode 'heap?debug=1' target_keep || ! grep -q ' <unknown>$' "$dir/out"; then
        echo "-symbolize=$mode: names, or no addresses" && cat "$dir/out" && bad=1
    fi
done
exit $bad
