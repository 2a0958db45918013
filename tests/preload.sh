#!/bin/sh
# usage: tests/preload.sh [all]
# libcprof.so in programs that nobody recompiled: every endpoint answers, nothing is silently empty, and the
# programs put out and return what they do without it. What is not installed is skipped, with a line.
# `all` adds two servers, memcached and redis.
lib=$PWD/profiler/libcprof.so
fetch=$PWD/.build/fetch
pprof=$PWD/profiler/pprof
guest=$PWD/.build/tests/guest
make -s .build/fetch profiler/pprof profiler/libcprof.so profiler/libcprof-export.so .build/tests/guest \
    .build/tests/target_shared || exit 2
work=$(mktemp -d) || exit 2
pids=
# shellcheck disable=SC2154 # pid is the loop's
trap 'for pid in $pids; do kill -KILL "$pid" 2>/dev/null; done; rm -rf "$work"' EXIT
mkdir "$work/s" && mkfifo "$work/gate" && exec 8<>"$work/gate" # while it is open, so are the programs' inputs
cp "$guest" "$work/guest" && cp "$guest" "$work/stripped" && strip "$work/stripped"

fail() {
    printf 'preload: %s\n' "$*" >&2
    exit 1
}

# ---- what the library needs and offers --------------------------------------------------------------------

needed=$(readelf -d "$lib" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort | tr '\n' ' ')
[ "$needed" = "libc.so.6 libm.so.6 " ] || fail "libcprof.so needs $needed"
libc=$(ldd "$lib" | sed -n 's/.*libc\.so\.6 => \([^ ]*\).*/\1/p')
names() {
    nm -D --defined-only "$1" | awk 'NF == 3 { sub(/@.*/, "", $3); print $3 }' | sort -u
}
jemalloc=$(ldconfig -p | sed -n 's/.*libjemalloc\.so\.2 .*=> //p' | head -n 1)
names "$lib" >"$work/ours"
names "$jemalloc" | grep -v -e '^_Z' -e '^je_' >"$work/jemalloc"
[ -s "$work/jemalloc" ] || fail "cannot read the names of ${jemalloc:-libjemalloc.so.2}"
lacking=$(comm -13 "$work/ours" "$work/jemalloc" | tr '\n' ' ')
[ -z "$lacking" ] || fail "libcprof.so does not export jemalloc's $lacking"
{ cat "$work/jemalloc" && names "$libc"; } | sort -u >"$work/known"
strange=$(comm -23 "$work/ours" "$work/known" | grep -v -e '^cprof_' -e '^malloc_conf_2' | tr '\n' ' ')
[ -z "$strange" ] || fail "libcprof.so exports $strange"

# ---- programs ---------------------------------------------------------------------------------------------

# launch NAME PROGRAM...: runs it bare with its whole input, then preloaded with an input that stays open.
launch() {
    name=$1
    shift
    [ -f "$work/$name.in" ] || : >"$work/$name.in"
    if [ "$name" != redis ] && [ "$name" != memcached ]; then
        timeout 20 "$@" <"$work/$name.in" >"$work/$name.bare" 2>"$work/$name.bare_err"
        echo $? >"$work/$name.bare_code"
    fi
    mkfifo "$work/$name.fifo"
    LD_PRELOAD=$lib CPROF_HTTP=127.0.0.1:0 CPROF_HEAP_RATE=16384 \
        "$@" <"$work/$name.fifo" >"$work/$name.out" 2>"$work/$name.err" 8>&- &
    echo $! >"$work/$name.pid"
    pids="$pids $!"
    { cat "$work/$name.in" && read -r _; } <"$work/gate" >"$work/$name.fifo" 8>&- &
    running="$running $name"
}

base_of() {
    for _ in $(seq 400); do
        base=$(sed -n 's|^cprof: serving \(http://.*\)/debug/pprof/$|\1|p' "$work/$1.err")
        [ -z "$base" ] || return 0
        sleep 0.05
    done
    fail "$1 does not serve: $(cat "$work/$1.err")"
}

# get URL: the status is in $code, the body in $work/body.
get() {
    code=nothing
    "$fetch" -i "$1" >"$work/answer" || return
    read -r _ code _ <"$work/answer"
    sed '1,/^\r*$/d' "$work/answer" >"$work/body"
}

# What one program answers, but for the CPU profile, which takes a second.
ask() {
    base_of "$1"
    for path in '' 'heap?debug=1' 'allocs?debug=1' 'threads?debug=2' 'goroutine?debug=1' 'threadcreate?debug=1' \
        'mutex?debug=1' 'block?debug=1' cmdline symbol heap mutex; do
        get "$base/debug/pprof/$path"
        { [ "$code" = 200 ] && [ -s "$work/body" ]; } || fail "$1 answers $path with $code"
        case $path in
        heap*debug*) grep -q '^heap profile: [1-9][0-9]*: [1-9]' "$work/body" || fail "$1: the heap is empty" ;;
        threads*) [ "$(grep -c '^thread [0-9]' "$work/body")" -ge 1 ] || fail "$1: no threads" ;;
        esac
    done
}

launch_optional() {
    if command -v "$2" >/dev/null 2>&1; then
        launch "$@"
    else
        echo "preload: $2 is not installed: not tried"
    fi
}

running=
for mode in dlopen children sigprof masked; do
    launch "$mode" "$work/guest" "$mode"
done
launch stripped "$work/stripped" masked
echo 'create table t as with recursive n(i) as (select 1 union all select i+1 from n where i < 20000)
      select i, hex(randomblob(0)) || i as s from n; select count(*), sum(length(s)) from t;' >"$work/sqlite3.in"
launch_optional sqlite3 sqlite3 :memory:
seq 20000 >"$work/xz.in"
launch_optional xz xz -1 -c
if [ "$1" = all ]; then
    launch_optional memcached memcached -u "$(id -un)" -U 0 -s "$work/memcached.sock"
    launch_optional redis redis-server --port 0 --unixsocket "$work/redis.sock" --save '' --dir "$work"
fi
python=$(python3 -c 'import sys; print(sys.executable)' 2>/dev/null)
cat >"$work/threads.py" <<'END'
import sys, threading
keep, stop, rounds = [bytes(65536) for _ in range(100)], threading.Event(), [0, 0, 0]
def work(i):
    while not stop.is_set() or not rounds[i]:
        rounds[i] += 1
        sum(range(1000))
        stop.wait(0.01)
threads = [threading.Thread(target=work, args=(i,)) for i in range(3)]
for t in threads: t.start()
sys.stdin.read()
stop.set()
for t in threads: t.join()
print(len(keep), min(rounds) > 0)
sys.exit(5)
END
launch_optional python "${python:-python3}" "$work/threads.py"

for name in $running; do
    base_of "$name"
    "$fetch" -i "$base/debug/pprof/profile?seconds=1" >"$work/$name.cpu" 2>&1 &
    echo $! >"$work/$name.fetch"
done
for name in $running; do
    ask "$name"
done
for name in $running; do
    wait "$(cat "$work/$name.fetch")"
    code=$(sed -n '1s/^[^ ]* \([0-9]*\).*/\1/p' "$work/$name.cpu")
    case $name in
    sigprof) # it has a profiler of its own, which keeps the signal
        [ "$code/$(grep -ca 'cpu profiling already in use' "$work/$name.cpu")" = 500/1 ] \
            || fail "$name: a CPU profile ($code) although its SIGPROF is taken" ;;
    *) [ "$code" = 200 ] || fail "$name answers profile with $(head -c 500 "$work/$name.cpu")" ;;
    esac
done
sed '1,/^\r*$/d' "$work/dlopen.cpu" >"$work/dlopen.pb.gz"
"$pprof" -top "$work/dlopen.pb.gz" >"$work/top" 2>&1
grep -q 'loads_objects' "$work/top" || fail "loads_objects is not in the CPU profile: $(cat "$work/top")"
if [ -n "$python" ]; then
    base_of python
    get "$base/debug/pprof/threads?debug=2"
    [ "$code/$(grep -c '^thread [0-9]' "$work/body")" = 200/4 ] \
        || fail "python's threads are not all there: $(cat "$work/body")"
fi

exec 8>&-
for name in $running; do
    pid=$(cat "$work/$name.pid")
    case $name in
    redis | memcached)
        kill -TERM "$pid"
        wait "$pid" || fail "$name does not end well" ;;
    *)
        wait "$pid"
        echo $? | cmp -s - "$work/$name.bare_code" || fail "$name ends otherwise than without libcprof.so"
        cmp -s "$work/$name.out" "$work/$name.bare" || fail "$name puts out what it does not without libcprof.so"
        grep -v '^cprof: serving http' "$work/$name.err" | cmp -s - "$work/$name.bare_err" \
            || fail "$name says: $(cat "$work/$name.err")" ;;
    esac
done
pids=

# ---- not asked for ----------------------------------------------------------------------------------------

# inside NAME=VALUE...: sets tasks, sockets and objects to what a preloaded process consists of.
inside() {
    mkfifo "$work/alone.fifo"
    env "$@" LD_PRELOAD="$lib" "$work/guest" alone <"$work/alone.fifo" >"$work/out" 2>"$work/err" &
    pid=$!
    exec 9>"$work/alone.fifo"
    for _ in $(seq 400); do
        grep -qsx waiting "/proc/$pid/comm" && break
        sleep 0.02
    done
    tasks=$(find "/proc/$pid/task" -mindepth 1 -maxdepth 1 | wc -l)
    sockets=$(find "/proc/$pid/fd" -printf '%l\n' | grep -cE 'socket|eventfd|eventpoll')
    objects=$(sed -n 's|.*/\(lib[a-z-]*\)\..*|\1|p' "/proc/$pid/maps" | sort -u | tr '\n' ' ')
    exec 9>&-
    wait "$pid"
    [ $? -eq 7 ] || fail "guest should end with 7"
    rm "$work/alone.fifo"
}
for variable in CPROF_HTTP= CPROF_BLOCK_RATE=1; do
    inside "$variable"
    [ "$tasks/$sockets/$objects" = "1/0/libc libcprof libm " ] \
        || fail "without CPROF_HTTP there are $tasks threads, $sockets sockets, and $objects"
    [ ! -s "$work/err" ] || fail "without CPROF_HTTP it says: $(cat "$work/err")"
done
inside CPROF_HTTP=127.0.0.1:0
case $tasks/$sockets/$objects in
1/* | */0/*) fail "with CPROF_HTTP there are $tasks threads and $sockets sockets" ;;
*libcprof-export*libmicrohttpd*) ;;
*) fail "with CPROF_HTTP there are $objects" ;;
esac

# ---- wrong values, and addresses that are taken -----------------------------------------------------------

# says TEXT NAME=VALUE...: one line with the text, and the program runs as ever.
says() {
    text=$1
    shift
    env "$@" LD_PRELOAD="$lib" "$work/guest" alone </dev/null >"$work/out" 2>"$work/err"
    [ $? -eq 7 ] || fail "$*: the program does not run on"
    [ "$(wc -l <"$work/err")/$(grep -c -- "$text" "$work/err")" = 1/1 ] \
        || fail "$* should say '$text', not: $(cat "$work/err")"
}
says 'CPROF_BLOCK_RATE=fast: a number' CPROF_HTTP=127.0.0.1:0 CPROF_BLOCK_RATE=fast
says 'CPROF_FORK=yes: 0 or 1' CPROF_HTTP=127.0.0.1:0 CPROF_FORK=yes
says 'is not a loopback address' CPROF_HTTP=0.0.0.0:0
says 'bad address "unix:cprof"' CPROF_HTTP=unix:cprof
says 'cannot listen on unix:/nowhere/cprof: No such' CPROF_HTTP=unix:/nowhere/cprof

# ---- children ---------------------------------------------------------------------------------------------

# family NAME=VALUE...: how many threads a forked and an executed child have.
family() {
    env "$@" LD_PRELOAD="$lib" "$work/guest" family >"$work/out" 2>"$work/err"
    [ $? -eq 7 ] || fail "family ends otherwise"
    tr '\n' ' ' <"$work/out"
}
[ "$(family "CPROF_HTTP=unix:$work/s/%p.sock")" = "1 1 " ] || fail "children are profiled: $(cat "$work/out")"
[ "$(family "CPROF_HTTP=unix:$work/s/%p.sock" CPROF_FORK=1)" = "2 2 " ] \
    || fail "children are not profiled with CPROF_FORK=1: $(cat "$work/out" "$work/err")"
[ "$(family "CPROF_HTTP=unix:$work/s/one.sock" CPROF_FORK=1)" = "1 1 " ] || fail "one address, two servers"
[ ! -s "$work/err" ] || fail "an inherited address that is taken is no error, but: $(cat "$work/err")"
[ -z "$(find "$work/s" -name '*.sock')" ] || fail "sockets stay behind: $(ls "$work")"

# ---- descriptors ------------------------------------------------------------------------------------------

# shellcheck disable=SC2016 # the inner shell expands it
LD_PRELOAD=$lib CPROF_HTTP=127.0.0.1:0 sh -c 'exec 3<"$0" 4<"$0" 5<"$0" 6<"$0" 7<"$0"; read -r line <&5; echo "$line"' \
    "$work/threads.py" >"$work/out" 2>/dev/null
[ "$(cat "$work/out")" = "$(sed -n 1p "$work/threads.py")" ] || fail "a shell's own descriptors: $(cat "$work/out")"
CPROF_HTTP=127.0.0.1:0 timeout 10 env LD_PRELOAD="$lib" "$work/guest" closing </dev/null >"$work/out" 2>/dev/null
[ $? -eq 7 ] || fail "a program that closes all descriptors does not end: $(cat "$work/out")"

# ---- linked with it ---------------------------------------------------------------------------------------

mkfifo "$work/target.fifo"
CPROF_HTTP=127.0.0.1:1 ./.build/tests/target_shared 127.0.0.1:0 <"$work/target.fifo" >"$work/target.out" 2>"$work/target.err" &
pid=$!
pids=$pid
exec 9>"$work/target.fifo"
base_of target
get "$base/debug/pprof/heap?debug=1"
grep -q 'target_keep' "$work/body" \
    || fail "linked with libcprof.so, the heap lacks target_keep: $(cat "$work/body")"
exec 9>&-
wait "$pid" || fail "linked with libcprof.so, it does not end well"
pids=
