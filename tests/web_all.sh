#!/bin/sh
# The page "All three" of pprof -http -triage as a browser shows it: of a gateway under load, live and from the folder
# that is left, of a deadlock, and of hostile profiles. PICTURES=DIR keeps what it looks like.
looked_at='what pprof -http -triage shows'
# shellcheck source=tests/browser_common.sh
. tests/browser_common.sh

# await FILE EXPRESSION WHAT: what sed -n prints of the file, once it prints something.
await() {
    for _ in $(seq 600); do
        found=$(sed -n "$2" "$1")
        [ -z "$found" ] || { echo "$found" && return; }
        sleep 0.1
    done
    echo "$3 does not say where it is" >&2 && cat "$1" >&2 && exit 1
}

serve() { # serve NAME ARGS...: says in $dir/NAME.err where
    name=$1
    shift
    "${PPROF:-profiler/pprof}" -no_browser -http=localhost:0 -triage "$@" >/dev/null 2>"$dir/$name.err" </dev/null &
    running="$running $!"
}

demos/gateway --port=0 --debug=127.0.0.1:0 >"$dir/gateway.out" 2>&1 &
running="$running $!"
site=$(await "$dir/gateway.out" 's|^gateway: \(http://[0-9.:]*\)/.*|\1|p' 'the gateway') || exit 1
debug=$(await "$dir/gateway.out" "s|.*'\\(http://[0-9.:]*\\)/debug/pprof.*|\\1|p" 'the gateway') || exit 1
demos/load --url "$site" --rate 400 --duration 60 >/dev/null 2>&1 &
running="$running $!"

# A ring of two threads, and one behind it; and hostile texts.
mkdir "$dir/ring" "$dir/hostile"
"$build/tests/make_profile" gateway >"$dir/ring/cpu.pb.gz" || exit 1
cat >"$dir/ring/threads.txt" <<END
thread 11 [mutex wait, for 33.0 s, on 0xa, held by 12 "right", name "left"]:
transfer(...)
	bank.c:20 +0x1

thread 12 [mutex wait, for 33.1 s, on 0xb, held by 11 "left", name "right"]:
transfer(...)
	bank.c:20 +0x1

thread 13 [mutex wait, for 2 ms, on 0xa, held by 12 "right", name "late"]:
balance(...)
	bank.c:7 +0x1

thread 14 [running, name "clock"]:
tick(...)
	clock.c:1 +0x1
END
for name in cpu heap-start heap threads mutex block; do
    "$build/tests/make_profile" hostile >"$dir/hostile/$name.pb.gz" || exit 1
done
bad='</script><script>hacked=1</script><img src=x onerror=hacked=2>'
printf 'thread 1 [%s, for 1 s, on %s, held by 2 "x", name "%s"]:\n%s(...)\n\t%s:1 +0x0\n' "$bad" "$bad" "$bad" "$bad" "$bad" >"$dir/hostile/threads.txt"
printf 'source %s\nseconds 7\ntime %s\n' "$bad" "$bad" >"$dir/hostile/about.txt"
printf '0 %s 7\n0 threads 7\n' "$bad" >"$dir/hostile/timeline.txt"

serve ring "$dir/ring"
serve hostile "$dir/hostile"
# What is there already is looked at meanwhile. The gateway's first trouble comes 10 s after its start, and lasts for two.
node tests/web_all.js "$chromium" "$dir" ${PICTURES:+"$PICTURES"} 2>&1 &
looking=$!
running="$running $looking"
sleep 4
serve live -seconds=8 -stats="${site##*:}" "$debug"
await "$dir/live.err" 's/^Serving web UI on //p' 'pprof of the gateway' >/dev/null || exit 1
wait "$looking"
