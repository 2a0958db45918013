#!/bin/sh
# libcprof.so in programs that nobody recompiled: every endpoint answers, nothing is silently empty, and the
# programs put out and return what they do without it. Here with our own guest; preload_programs.sh has others'
# programs, preload_servers.sh servers under load, preload_hostile.sh what goes wrong.
# shellcheck source=tests/preload_common.sh
. tests/preload_common.sh
cp "$guest" "$work/guest" && cp "$guest" "$work/stripped" && strip "$work/stripped"

# ---- what the library needs and offers --------------------------------------------------------------------

needed=$(readelf -d "$lib" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort | tr '\n' ' ')
[ "$needed" = "libc.so.6 " ] || fail "libcprof.so needs $needed"
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
strange=$(comm -23 "$work/ours" "$work/known" | grep -v -e '^cprof_' -e '^CPROF_0' -e '^malloc_conf_2' | tr '\n' ' ')
[ -z "$strange" ] || fail "libcprof.so exports $strange"

# ---- programs ---------------------------------------------------------------------------------------------

try dlopen loads_objects -- "$work/guest" dlopen
try children makes_children -- "$work/guest" children
try sigprof -- "$work/guest" sigprof
try masked spin -- "$work/guest" masked
try stripped stripped -- "$work/stripped" masked

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
    [ "$tasks/$sockets/$objects" = "1/0/libc libcprof " ] \
        || fail "without CPROF_HTTP there are $tasks threads, $sockets sockets, and $objects"
    [ ! -s "$work/err" ] || fail "without CPROF_HTTP it says: $(cat "$work/err")"
done

# asks NAME=VALUE...: what a preloaded program asks the kernel for, but for the libraries it needs. What jemalloc
# reads for itself is the same whoever brings it.
asks() {
    .build/tests/asked env "$@" true | grep -vxF -e 'file /etc/malloc.conf' -e 'file /proc/sys/vm/overcommit_memory' \
        -e 'file /sys/kernel/mm/transparent_hugepage/enabled' | grep -v -e '^file .*\.so[.0-9]*$' -e '^file /etc/ld\.so\.cache$' |
        tr '\n' ' '
}
.build/tests/asked true >"$work/bare" 2>"$work/err"
case $? in
77) skip asked "$(cat "$work/err")" ;;
0)
    bare=$(asks CPROF_HTTP=)
    .build/tests/asked env CPROF_HTTP= LD_PRELOAD="$lib" true >"$work/out"
    ! grep -qx 'file /etc/malloc.conf' "$work/out" || fail "jemalloc starts in a program that allocates nothing"
    for variable in CPROF_HTTP= CPROF_BLOCK_RATE=1; do
        more=$(asks "$variable" LD_PRELOAD="$lib")
        [ "$more" = "$bare" ] || fail "without CPROF_HTTP a program asks for $more"
    done
    case $(asks CPROF_HTTP=127.0.0.1:0 LD_PRELOAD="$lib" 2>/dev/null) in
    *socket*handler*thread*) ;;
    *) fail "asked does not see what CPROF_HTTP makes of a program" ;;
    esac ;;
*) fail "asked: $(cat "$work/err")" ;;
esac
inside CPROF_HTTP=127.0.0.1:0
case $tasks/$sockets/$objects in
1/* | */0/*) fail "with CPROF_HTTP there are $tasks threads and $sockets sockets" ;;
*libcprof-export*libmicrohttpd*) ;;
*) fail "with CPROF_HTTP there are $objects" ;;
esac

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
    tests/preload.sh >"$work/out" 2>/dev/null
[ "$(cat "$work/out")" = "$(sed -n 1p tests/preload.sh)" ] || fail "a shell's own descriptors: $(cat "$work/out")"
CPROF_HTTP=127.0.0.1:0 timeout 10 env LD_PRELOAD="$lib" "$work/guest" closing </dev/null >"$work/out" 2>/dev/null
[ $? -eq 7 ] || fail "a program that closes all descriptors does not end: $(cat "$work/out")"

# ---- linked with it ---------------------------------------------------------------------------------------

mkfifo "$work/target.fifo"
CPROF_HTTP=127.0.0.1:1 ./.build/tests/target_shared 127.0.0.1:0 <"$work/target.fifo" >"$work/target.out" 2>"$work/target.err" &
pid=$!
pids=$pid
exec 9>"$work/target.fifo"
base_of target
get 'heap?debug=1'
grep -q 'target_keep' "$work/body" \
    || fail "linked with libcprof.so, the heap lacks target_keep: $(cat "$work/body")"
get 'threads?debug=1'
[ "$(grep -c '^# labels: {"job":"contend"}$' "$work/body")" -gt 0 ] \
    || fail "linked with libcprof.so, threads have no labels: $(cat "$work/body")"
exec 9>&-
wait "$pid" || fail "linked with libcprof.so, it does not end well"
pids=
