#!/bin/sh
# A program whose malloc is not jemalloc, here because libc comes before it: it says so once and runs, its heap
# endpoints answer with the reason instead of an empty profile, and the others work as ever.
B=${B:-.build}
make -s "$B/fetch" "$B/tests/target" || exit 2
dir=$(mktemp -d) || exit 2
target='' bad=0
trap '[ -z "$target" ] || kill "$target" 2>/dev/null; rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM

mkfifo "$dir/life"
LD_PRELOAD=libc.so.6 "$B/tests/target" 127.0.0.1:0 <"$dir/life" >"$dir/address" 2>"$dir/errors" &
target=$!
exec 3>"$dir/life" # the target ends when we do
tries=0
until [ -s "$dir/address" ]; do
    tries=$((tries + 1))
    [ $tries -lt 100 ] || { echo "the target did not start:" && cat "$dir/errors" && exit 1; }
    sleep 0.05
done
url=http://$(cat "$dir/address")/debug/pprof
reason="no heap profile: the program's malloc is not jemalloc"

if [ "$(grep -c "^cprof: $reason" "$dir/errors")" != 1 ]; then
    echo "not said once on standard error:" && cat "$dir/errors" && bad=1
fi
for path in heap allocs 'heap?debug=1' 'heap?seconds=1'; do
    "$B/fetch" -i "$url/$path" >"$dir/out" 2>&1
    if ! head -n 1 "$dir/out" | grep -q ' 500 ' || ! grep -q "$reason" "$dir/out"; then
        echo "/$path does not answer 500 and why:" && head -n 20 "$dir/out" && bad=1
    fi
done
for path in mutex threads?debug=1 profile?seconds=1; do
    "$B/fetch" "$url/$path" >"$dir/out" 2>"$dir/why" || {
        echo "/$path was not served:" && cat "$dir/why" && bad=1
    }
done
exit $bad
