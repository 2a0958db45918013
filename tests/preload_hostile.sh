#!/bin/sh
# libcprof.so where it is not welcome: wrong values, limits, sandboxes, missing file systems, programs that
# close what is not theirs. It says so in one line, or serves what can be had, and the program runs as ever.
# shellcheck source=tests/preload_common.sh
. tests/preload_common.sh

# ---- wrong values, and addresses that are taken -----------------------------------------------------------

any=CPROF_HTTP=127.0.0.1:0
for wrong in fast -1 1x 99999999999999999999; do
    says "CPROF_BLOCK_RATE=$wrong: a number of nanoseconds" env $any "CPROF_BLOCK_RATE=$wrong"
    says "CPROF_MUTEX_FRACTION=$wrong: a number from 0" env $any "CPROF_MUTEX_FRACTION=$wrong"
    says "CPROF_HEAP_RATE=$wrong: a power of two" env $any "CPROF_HEAP_RATE=$wrong"
done
says 'CPROF_HEAP_RATE=1000: a power of two' env $any CPROF_HEAP_RATE=1000
for switch in CPROF_FORK CPROF_ALLOW_REMOTE; do
    says "$switch=yes: 0 or 1" env $any $switch=yes
    says "$switch=2: 0 or 1" env $any $switch=2
done
says 'CPROF_ALLOW_REMOTE=1 needs CPROF_TOKEN' env CPROF_HTTP=0.0.0.0:0 CPROF_ALLOW_REMOTE=1
says 'CPROF_ALLOW_REMOTE=1 needs CPROF_TOKEN' env CPROF_HTTP=0.0.0.0:0 CPROF_ALLOW_REMOTE=1 CPROF_TOKEN=
for address in 0.0.0.0:0 '[::]:0'; do
    says 'is not a loopback address' env "CPROF_HTTP=$address"
    says 'is not a loopback address' env "CPROF_HTTP=$address" CPROF_TOKEN=secret
done
for address in 6060 127.0.0.1 :6060 127.0.0.1: 127.0.0.1:99999 127.0.0.1:http unix:cprof unix: \
    "unix:/$(printf '%0120d' 0)"; do
    says "bad address \"$address\"" env "CPROF_HTTP=$address"
done
says 'cannot listen on unix:/nowhere/cprof: No such' env CPROF_HTTP=unix:/nowhere/cprof

CPROF_HTTP=0.0.0.0:0 CPROF_ALLOW_REMOTE=1 CPROF_TOKEN=secret launch remote "$guest" alone
base_of remote
says 'cannot listen on .*: Address already in use' env "CPROF_HTTP=127.0.0.1:${base##*:}"
get heap
[ "$code" = 401 ] || fail "without the token: $code"
"$fetch" -H 'Authorization: Bearer secret' "$base/debug/pprof/heap" >"$work/body" || fail "the token is refused"

# ---- limits -----------------------------------------------------------------------------------------------

# With what this script inherited, the loader itself would find no room.
says 'no memory or descriptors for the profiler' prlimit --nofile=4:4 env $any 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
says 'cannot start the server: no descriptors or threads' prlimit --nofile=5:5 env $any 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
limits='prlimit --nofile=20:20' CPROF_HTTP=127.0.0.1:0 launch few "$guest" masked
base_of few
start_cpu few
ask few
cpu_has few spin

# Timers count against a limit that all processes of a user have in common: some threads may get one, or none.
limits='prlimit --sigpending=2:2' CPROF_HTTP=127.0.0.1:0 launch untimed "$guest" masked
base_of untimed
start_cpu untimed
end_cpu untimed
sed '1,/^\r*$/d' "$work/untimed.cpu" >"$work/body"
case $code in
200) "$pprof" -comments "$work/body" | grep -q 'could not have one' ;;
*) grep -q 'Could not enable CPU profiling: a limit was reached' "$work/body" ;;
esac || fail "threads have no timer, and nobody says so: $code"

# Address space: jemalloc alone wants 15 MB. From there on it runs, with a profiler or with a line of why not.
for mib in $(seq 18 6 102); do
    prlimit --as=$((mib << 20)) env $any LD_PRELOAD="$lib" "$guest" alone </dev/null >"$work/out" 2>"$work/err"
    [ "$?/$(wc -l <"$work/out")/$(grep -c '^cprof: ' "$work/err")" = 7/1/1 ] \
        || fail "with $mib MiB of address space: $(cat "$work/out" "$work/err")"
done

# ---- sandboxes --------------------------------------------------------------------------------------------

says 'cannot listen on 127.0.0.1:0: Operation not permitted' env $any "$guest" confined
CPROF_HTTP=127.0.0.1:0 launch sandbox "$guest" sandbox
base_of sandbox
soon 'there is no sandbox' grep -q '^Seccomp:[^0]*2' "/proc/$pid/status"
for path in '' 'threads?debug=2' threadcreate mutex block cmdline symbol; do
    get "$path"
    { [ "$code" = 200 ] && [ -s "$work/body" ]; } || fail "in a sandbox $path is answered with $code"
done
get 'profile?seconds=1'
[ "$code/$(grep -c 'Could not enable CPU profiling: a limit' "$work/body")" = 503/1 ] \
    || fail "a sandbox without timers: $code $(cat "$work/body")"
get heap
[ "$code/$(grep -c 'no heap profile: .* sandbox' "$work/body")" = 500/1 ] \
    || fail "a sandbox without memfd_create: $code $(cat "$work/body")"

# ---- file systems -----------------------------------------------------------------------------------------

# mounted NAME COMMANDS: launches the guest as NAME where the commands were run in a mount name space.
mounted() {
    printf '#!/bin/sh\n%s && exec "$@"\n' "$2" >"$work/$1.sh"
    chmod +x "$work/$1.sh"
    limits="unshare -m $work/$1.sh" CPROF_HTTP=127.0.0.1:0 CPROF_HEAP_RATE=16384 launch "$1" "$guest" masked
    base_of "$1"
}
if unshare -m true 2>/dev/null; then
    mounted no_proc 'umount -l /proc'
    for path in 'heap?debug=1' 'threads?debug=2' threadcreate mutex block cmdline 'profile?seconds=1'; do
        get "$path"
        [ "$code/$(grep -c /proc/self "$work/body")" = 500/1 ] \
            || fail "without /proc, $path is answered with $code: $(cat "$work/body")"
    done
    mounted read_only 'mount --bind /tmp /tmp && mount -o remount,ro,bind /tmp'
    ! touch "$work/s/may" 2>/dev/null || rm "$work/s/may"
    start_cpu read_only
    ask read_only
    cpu_has read_only spin
else
    skip 'a program without /proc, and one with a read-only /tmp' 'it takes the right to mount'
fi

# ---- descriptors ------------------------------------------------------------------------------------------

seq 3 >"$work/lines"
# shellcheck disable=SC2016 # the inner shell expands it
LD_PRELOAD=$lib CPROF_HTTP=127.0.0.1:0 sh -c 'exec 3<"$0" 4<"$0" 5<"$0" 6<"$0" 7<"$0"; read -r line <&5; echo "$line"' \
    "$work/lines" >"$work/out" 2>/dev/null
[ "$(cat "$work/out")" = 1 ] || fail "a shell's own descriptors: $(cat "$work/out")"
for mode in closing daemon; do
    for forks in 0 1; do
        timeout 10 env LD_PRELOAD="$lib" CPROF_HTTP=127.0.0.1:0 CPROF_FORK=$forks "$guest" $mode </dev/null >"$work/out" 2>/dev/null
        code=$?
        [ "$code/$(cat "$work/out")" = "7/$mode: 0 failures, first block 0" ] \
            || fail "a program that closes all descriptors ($mode) ends with $code: $(cat "$work/out")"
    done
done

# ---- half of another build ---------------------------------------------------------------------------------

mkdir "$work/half"
cp profiler/libcprof.so "$work/half"
sed 's/cprof_private_[0-9]\([0-9]*_\)/cprof_private_x\1/g' profiler/libcprof-export.so >"$work/half/libcprof-export.so"
env CPROF_HTTP=127.0.0.1:0 LD_PRELOAD="$work/half/libcprof.so" "$guest" alone </dev/null >"$work/out" 2>"$work/err"
[ "$?/$(cat "$work/out")" = '7/alone: 0 failures, first block 0' ] || fail "half of another build: $(cat "$work/out" "$work/err")"
[ "$(grep -c . "$work/err")/$(grep -c '^cprof: cannot load .* of another build' "$work/err")" = 1/1 ] \
    || fail "half of another build, and it says: $(cat "$work/err")"

# ---- scripts, and programs that take no library -----------------------------------------------------------

cat >"$work/pipeline.sh" <<'END'
seq 2000 | sort -rn | head -n 20 | { read -r first; echo "$first"; wc -l; }
for i in 1 2 3; do (exit $i); echo "$i: $?"; done
text=$(echo inner | tr a-z A-Z | sed 's/^/</'; false) || echo "$text fails"
sh -c 'kill -TERM $$' || echo "ended by $?"
true & wait $! && echo joined
END
for shell in sh bash; do
    has $shell || continue
    $shell "$work/pipeline.sh" >"$work/bare" 2>"$work/bare_err"
    for variables in CPROF_FORK=0 "CPROF_HTTP=unix:$work/s/%p" "CPROF_HTTP=unix:$work/s/%p CPROF_FORK=1" \
        "CPROF_HTTP=unix:$work/s/one CPROF_FORK=1"; do
        # shellcheck disable=SC2086 # words
        env $variables LD_PRELOAD="$lib" $shell "$work/pipeline.sh" >"$work/out" 2>"$work/out_err"
        for stream in '' _err; do
            cmp -s "$work/out$stream" "$work/bare$stream" \
                || fail "$shell with $variables: $(diff "$work/bare$stream" "$work/out$stream")"
        done
    done
done
for static in /sbin/ldconfig /usr/bin/busybox; do
    if [ ! -x $static ] || readelf -d $static 2>/dev/null | grep -q NEEDED; then
        continue
    fi
    [ "$(env LD_PRELOAD="$lib" $any $static --help 2>&1)" = "$($static --help 2>&1)" ] \
        || fail "$static puts out something else"
done
