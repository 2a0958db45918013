#!/bin/sh
# json_untouched: what no check of cache.c alone can see. The gateway with your cache must answer as the
# demo's does, byte for byte, and the demo's own sources must be as they came.
#   extra.sh REPORT    adds its verdict to REPORT too; exit 1 when it fails
# shellcheck source=exercises/engine/common.sh
. "$(dirname "$0")/../engine/common.sh"
lesson_load 6
# shellcheck source=exercises/engine/server.sh
. exercises/engine/server.sh
report=${1:-/dev/null}
keys=60

say() { # say ok|FAIL MEASURED
    {
        if [ -n "${VERDICT_TERSE-}" ]; then
            echo "$1 json_untouched"
            return
        fi
        printf '%-5s json_untouched\n        measured  %s\n' "$1" "$2"
        echo '        allowed   the same documents as before, from sources that are as they came'
        echo '        shows in  cpu: the encoder is first, and still the p95 is not its doing'
        [ "$1" = ok ] || echo "        look      GATEWAY_JSON=static ./demos/gateway, and the load: the p95 stays"
    } | tee -a "$report"
}

quiet_make demos/gateway "$work/gateway" "$build/fetch" || exit 2
dir=$(mktemp -d) || exit 2
trap 'server_stop; rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM

# Each document twice: once from the upstream, once from the cache.
documents() { # documents PROGRAM OUT
    server_start "$1" "$dir/log" --port 0 --debug 127.0.0.1:0 --upstream-ms 1 --capacity 40
    urls=''
    n=0
    while [ "$n" -lt "$keys" ]; do
        urls="$urls $server_url/v1/items/check-$n $server_url/v1/items/check-$n"
        n=$((n + 1))
    done
    # shellcheck disable=SC2086 # a list of addresses
    "$build/fetch" $urls >"$2" 2>"$dir/why" || {
        say FAIL "$1 does not answer: $(cat "$dir/why")"
        exit 1
    }
    server_stop
}

documents demos/gateway "$dir/theirs"
documents "$work/gateway" "$dir/yours"
bytes=$(wc -c <"$dir/theirs")
if ! cmp -s "$dir/theirs" "$dir/yours"; then
    say FAIL "$(cmp "$dir/theirs" "$dir/yours" 2>&1 | sed "s|$dir/||g"), of $bytes bytes"
    exit 1
fi
changed=''
if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
    changed=$(git status --porcelain -- demos/lesson6 demos/common 2>/dev/null | cut -c4- | tr '\n' ' ')
fi
if [ -n "$changed" ]; then
    say FAIL "changed since they came: ${changed% }"
    exit 1
fi
say ok "$((2 * keys)) documents, $bytes bytes: all the same"
