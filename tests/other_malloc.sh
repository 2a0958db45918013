#!/bin/sh
# A program whose malloc is not jemalloc, here because libc comes before its shared object: it says so once and runs, its heap
# endpoints answer with the reason instead of an empty profile, and the others work as ever.
# shellcheck source=tests/target_common.sh
. tests/target_common.sh
make -s "$B/fetch" "$B/tests/target_other" || exit 2
program=$B/tests/target_other
start_target 127.0.0.1:0 LD_PRELOAD=libc.so.6
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
