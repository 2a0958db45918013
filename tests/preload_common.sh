# shellcheck shell=sh
# What the preload_*.sh scripts share: programs run bare and with libcprof.so in them, and what those answer.
# Sourced from the top folder; sets $work, a folder that goes with the script.
lib=$PWD/profiler/libcprof.so
fetch=$PWD/.build/fetch
pprof=$PWD/profiler/pprof
guest=$PWD/.build/tests/guest
self=${0##*/}
self=${self%.sh}
make -s .build/fetch profiler/pprof profiler/libcprof.so profiler/libcprof-export.so .build/tests/guest \
    .build/tests/target_shared || exit 2
work=$(mktemp -d) || exit 2
pids=
# shellcheck disable=SC2154 # pid is the loop's
trap 'for pid in $pids; do kill -KILL "$pid" 2>/dev/null; done; rm -rf "$work"' EXIT
mkdir "$work/s"

fail() {
    printf '%s: %s\n' "$self" "$*" >&2
    exit 1
}

# skip WHAT WHY: said, and not tried.
skip() {
    echo "$self: $1 not tried: $2"
}

has() {
    command -v "$1" >/dev/null 2>&1
}

# launch NAME PROGRAM...: with libcprof.so, run by the command in $limits, if any; its input is $work/NAME.in, if
# there is one, and stays open until `over`, or until another is launched. CPROF_ variables are the caller's.
limits=
launch() {
    name=$1
    shift
    mkfifo "$work/$name.fifo"
    # shellcheck disable=SC2086 # words
    $limits env LD_PRELOAD="$lib" "$@" <"$work/$name.fifo" >"$work/$name.out" 2>"$work/$name.err" 9>&- &
    pid=$!
    pids="$pids $pid"
    exec 9>"$work/$name.fifo"
    [ ! -f "$work/$name.in" ] || cat "$work/$name.in" >&9
}
over() {
    exec 9>&-
}

# bare NAME PROGRAM...: what it puts out and returns without the library.
bare() {
    name=$1
    shift
    [ -f "$work/$name.in" ] || : >"$work/$name.in"
    timeout 20 "$@" <"$work/$name.in" >"$work/$name.bare" 2>"$work/$name.bare_err"
    bare_code=$?
}

# same NAME: the one launched last ends, and did what it does without the library.
same() {
    over
    wait "$pid"
    code=$?
    [ "$code" = "$bare_code" ] || fail "$1 ends with $code: $(cat "$work/$1.err")"
    cmp -s "$work/$1.out" "$work/$1.bare" \
        || fail "$1 puts out what it does not without libcprof.so: $(head -c 500 "$work/$1.out")"
    grep -v '^cprof: serving http' "$work/$1.err" | cmp -s - "$work/$1.bare_err" \
        || fail "$1 says: $(cat "$work/$1.err")"
}

# soon WHAT COMMAND...: until the command succeeds, 20 seconds at most.
soon() {
    what=$1
    shift
    for _ in $(seq 400); do
        "$@" && return
        sleep 0.05
    done
    fail "$what: $(cat "$work/$name.err")"
}

# base_of NAME: where it serves, in $base.
find_base() {
    base=$(sed -n 's|^cprof: serving \(http://.*\)/debug/pprof/$|\1|p' "$work/$1.err")
    [ -n "$base" ]
}
base_of() {
    via=
    name=$1
    soon "$1 does not serve" find_base "$1"
}

# base_at SOCKET: the same for a unix socket.
base_at() {
    via="-u $1"
    base=http://localhost
}

# get PATH: the status is in $code, the body in $work/body.
get() {
    code=nothing
    # shellcheck disable=SC2086 # words, or none
    "$fetch" -i $via "$base/debug/pprof/$1" >"$work/answer" || return
    read -r _ code _ <"$work/answer"
    sed '1,/^\r*$/d' "$work/answer" >"$work/body"
}

# What one program answers, but for the CPU profile, which takes a second.
ask() {
    for path in '' 'heap?debug=1' 'allocs?debug=1' 'threads?debug=2' 'goroutine?debug=1' 'threadcreate?debug=1' \
        'mutex?debug=1' 'block?debug=1' cmdline symbol heap mutex; do
        get "$path"
        { [ "$code" = 200 ] && [ -s "$work/body" ]; } || fail "$1 answers $path with $code: $(cat "$work/body")"
        case $path in
        heap*debug*) grep -q '^heap profile: [1-9][0-9]*: [1-9]' "$work/body" || fail "$1: the heap is empty" ;;
        threads*) [ "$(grep -c '^thread [0-9]' "$work/body")" -ge 1 ] || fail "$1: no threads" ;;
        esac
    done
}

# start_cpu NAME, end_cpu NAME, cpu_has NAME FUNCTION...: a CPU profile of a second, which may run beside other things, and
# what must be in it.
start_cpu() {
    # shellcheck disable=SC2086 # words, or none
    "$fetch" -i $via "$base/debug/pprof/profile?seconds=1&hz=500" >"$work/$1.cpu" 2>&1 9>&- &
    fetching=$!
}
end_cpu() { # the status is in $code
    wait "$fetching"
    code=$(sed -n '1s/^[^ ]* \([0-9]*\).*/\1/p' "$work/$1.cpu")
}
cpu_has() {
    name=$1
    shift
    end_cpu "$name"
    [ "$code" = 200 ] || fail "$name answers profile with $(head -c 500 "$work/$name.cpu")"
    sed '1,/^\r*$/d' "$work/$name.cpu" >"$work/$name.pb.gz"
    "$pprof" -top -nodecount=1000 "$work/$name.pb.gz" >"$work/top" 2>&1
    for function in "$@"; do
        grep -q "$function" "$work/top" || fail "$name: $function is not in the CPU profile: $(cat "$work/top")"
    done
}

# try NAME [FUNCTION] -- PROGRAM...: all endpoints, with the function in the CPU profile, and then the program
# has done what it does by itself. Skipped where the program is not installed.
try() {
    name=$1 function=
    shift
    if [ "$1" != -- ]; then
        function=$1
        shift
    fi
    shift
    if ! has "$1"; then
        skip "$name" "$1 is not installed"
        return
    fi
    bare "$name" "$@"
    CPROF_HTTP=127.0.0.1:0 CPROF_HEAP_RATE=16384 launch "$name" "$@"
    base_of "$name"
    start_cpu "$name"
    ask "$name"
    case $name in
    sigprof) # it has a profiler of its own, which keeps the signal
        end_cpu sigprof # it may have come before main() took the signal
        get 'profile?seconds=1'
        [ "$code/$(grep -ca 'cpu profiling already in use' "$work/body")" = 500/1 ] \
            || fail "sigprof: a CPU profile although its SIGPROF is taken" ;;
    *) cpu_has "$name" "$function" ;;
    esac
    if [ "$name" = python ]; then
        get 'threads?debug=2'
        [ "$(grep -c '^thread [0-9]' "$work/body")" = 4 ] || fail "python's threads: $(cat "$work/body")"
    fi
    same "$name"
}

# says TEXT COMMAND...: the guest run by the command, such as env with variables, or a limit, says one line,
# with the text, and runs as ever.
says() {
    text=$1
    shift
    "$@" env LD_PRELOAD="$lib" "$guest" alone </dev/null >"$work/out" 2>"$work/err"
    code=$?
    [ "$code/$(cat "$work/out")" = '7/alone: 0 failures, first block 0' ] \
        || fail "$*: the program does not run on, but ends with $code: $(cat "$work/out" "$work/err")"
    [ "$(wc -l <"$work/err")/$(grep -c -- "$text" "$work/err")" = 1/1 ] \
        || fail "$* should say '$text', not: $(cat "$work/err")"
}
