#!/bin/sh
# libcprof outside this tree: installed, and found through pkg-config. The server that README.md shows is built
# from its text with the commands beside it, with libcprof.so and with libcprof.a, and profiled; so is a program
# that mounts the endpoints in a server of its own, and writes its heap profile at the end, and one in C++.
# DESTDIR and uninstall leave what they should.
B=${B:-.build}
top=$PWD
make -s "$B/fetch" || exit 2
fetch=$PWD/$B/fetch
work=$(mktemp -d) || exit 2
pids=
# shellcheck disable=SC2154 # pid is the loop's
trap 'for pid in $pids; do kill -KILL "$pid" 2>/dev/null; done; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
export PPROF_TMPDIR="$work/fetched"
unset CPROF_HTTP CPROF_TOKEN CPROF_ALLOW_REMOTE DESTDIR

fail() {
    printf 'embedding: %s\n' "$*" >&2
    exit 1
}

# ---- installing -------------------------------------------------------------------------------------------

prefix=$work/usr
make -s install "PREFIX=$prefix" >"$work/out" 2>&1 || fail "make install: $(cat "$work/out")"
export PKG_CONFIG_PATH="$prefix/lib/pkgconfig"
for file in bin/pprof include/cprof.h lib/libcprof.a lib/libcprof.so lib/libcprof-export.so lib/pkgconfig/cprof.pc \
    share/bash-completion/completions/pprof share/zsh/site-functions/_pprof share/fish/vendor_completions.d/pprof.fish \
    share/man/man1/pprof.1 share/man/man3/cprof.3 share/man/man7/cprof.7 share/man/man7/libcprof.7; do
    [ -s "$prefix/$file" ] || fail "make install does not put $file"
done
soname=$(readelf -d "$prefix/lib/libcprof.so" | sed -n 's/.*(SONAME).*\[\(.*\)\]/\1/p')
[ "$(readlink "$prefix/lib/libcprof.so")" = "$soname" ] || fail "libcprof.so does not lead to $soname"
[ "$(readlink "$prefix/lib/$soname")" = "libcprof.so.$(pkg-config --modversion cprof)" ] || fail "$soname leads elsewhere"
"$prefix/bin/pprof" -version >/dev/null || fail "the installed pprof does not run"

make -s install PREFIX=/opt/cprof "DESTDIR=$work/package" >"$work/out" 2>&1 || fail "DESTDIR: $(cat "$work/out")"
(cd "$prefix" && find . ! -type d | sort) >"$work/files"
(cd "$work/package/opt/cprof" && find . ! -type d | sort) | diff "$work/files" - || fail "DESTDIR installs something else"
grep -rlF "$work" "$work/package/opt/cprof/lib/pkgconfig" && fail "DESTDIR is in a .pc file"
PKG_CONFIG_PATH=$work/package/opt/cprof/lib/pkgconfig pkg-config --cflags cprof | grep -q -- '-I/opt/cprof/include' \
    || fail "cprof.pc does not name its prefix"
make -s uninstall PREFIX=/opt/cprof "DESTDIR=$work/package" || fail "make uninstall"
[ -z "$(find "$work/package" ! -type d)" ] || fail "make uninstall leaves $(find "$work/package" ! -type d)"
make -s install PREFIX=relative >"$work/out" 2>&1 && fail "a PREFIX that is no absolute path is taken"
grep -q 'PREFIX=relative is not an absolute path' "$work/out" || fail "PREFIX=relative: $(cat "$work/out")"

# ---- the server in the README ----------------------------------------------------------------------------

cd "$work" || exit 2
awk '/^    #include <cprof.h>/ { on = 1 } on { sub(/^    /, ""); print } on && /^}/ { exit }' "$top/README.md" >server.c
grep -q '^}' server.c || fail "README.md shows no server"
sed -n 's/^    \(cc .*server\.c.*pkg-config.*\)/\1/p' "$top/README.md" >commands
[ "$(wc -l <commands)" = 2 ] || fail "README.md should show two ways of building the server"

# begin NAME PROGRAM...: starts it with an input that stays open, and sets base to where it serves.
begin() {
    name=$1
    shift
    mkfifo "$name.fifo"
    CPROF_HTTP=127.0.0.1:0 CPROF_HEAP_RATE=1024 "$@" <"$name.fifo" >"$name.out" 2>"$name.err" &
    pid=$!
    pids="$pids $pid"
    exec 9>"$name.fifo"
    for _ in $(seq 400); do
        base=$(sed -n 's|^[a-z]*: serving \(http://.*\)/debug/pprof/$|\1/debug/pprof|p' "$name.err")
        [ -z "$base" ] || return 0
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.05
    done
    fail "$name does not serve: $(cat "$name.err")"
}

finish() {
    exec 9>&-
    wait "$pid" || fail "$name ends with $?: $(cat "$name.err")"
    pids=
}

# holds PATTERN PATH: whether what PATH answers has it, as text or in what pprof makes of it.
holds() {
    case $2 in
    *debug=*) "$fetch" "$base/$2" >answer 2>&1 ;;
    *) "$prefix/bin/pprof" -traces "$base/$2" >answer 2>&1 ;;
    esac
    grep -q -- "$1" answer || fail "$name: no $1 in $2: $(cat answer)"
}

while read -r command; do
    { sh -c "$command -Wall -Wextra" >out 2>&1 && [ ! -s out ]; } || fail "$command: $(cat out)"
    case $command in
    *static*)
        kind=static
        ! readelf -d server | grep -q 'NEEDED.*libcprof' || fail "the static server needs libcprof.so" ;;
    *)
        kind=shared
        readelf -d server | grep -q "NEEDED.*$soname" || fail "the shared server does not need $soname" ;;
    esac
    cp server "server_$kind"
    begin "$kind" "./server_$kind"
    seq 20000 >&9
    for _ in $(seq 200); do
        [ "$(wc -l <"$name.out")" -lt 19000 ] || break # the rest is in its buffer
        sleep 0.05
    done
    while :; do # what it answers is not freed: not as fast as it can
        seq 5000
        sleep 0.02
    done >&9 2>/dev/null &
    load=$!
    pids="$pids $load"
    holds 'strdup' heap
    holds ' main' heap
    holds 'main' 'threads?debug=2'
    holds 'main' 'goroutine?debug=1'
    holds ' main' 'profile?seconds=1'
    kill "$load"
    wait "$load" 2>/dev/null
    finish
done <commands

# ---- mounted, and written ---------------------------------------------------------------------------------

# mounted KIND MODULE MODE: the CPU profile takes its time, and the program's own pages do not.
mounted() {
    # shellcheck disable=SC2046 # lists of flags
    cc -g -Wall -Wextra -o "outside_$1" "$top/tests/outside.c" $(pkg-config --cflags --libs "$2" libmicrohttpd) >out 2>&1 \
        || fail "tests/outside.c with $2: $(cat out)"
    begin "outside_$1_$3" "./outside_$1" "$3" heap.pb.gz
    "$fetch" "$base/profile?seconds=1" >cpu.pb.gz 2>cpu.err &
    profile=$!
    [ "$("$fetch" "${base%/debug*}/")" = hello ] || fail "$name: its own page"
    holds 'outside_keep' heap
    holds 'main' 'threads?debug=2'
    wait "$profile" || fail "$name: $(cat cpu.err)"
    "$prefix/bin/pprof" -raw cpu.pb.gz 2>&1 | grep -q '^samples/count cpu/nanoseconds' || fail "$name: no CPU profile"
    finish
    "$prefix/bin/pprof" -traces heap.pb.gz 2>&1 | grep -q 'outside_keep' || fail "$name: the heap profile it wrote"
}
mounted shared cprof suspending
mounted static cprof-static waiting

# ---- in C++ -----------------------------------------------------------------------------------------------

# in_cpp COMPILER MODULE: with the warnings that C++ programs are compiled with, as C++ from 2011 on.
in_cpp() {
    if ! command -v "$1" >/dev/null 2>&1; then
        echo "embedding: C++ not tried: $1 is not installed"
        return
    fi
    for standard in 11 14 17 20; do
        # shellcheck disable=SC2046 # lists of flags
        "$1" "-std=c++$standard" -Wall -Wextra -Wpedantic -Wshadow -Werror -fsyntax-only "$top/tests/outside.cc" \
            $(pkg-config --cflags cprof) >out 2>&1 || fail "tests/outside.cc by $1 as C++$standard: $(cat out)"
    done
    # shellcheck disable=SC2046
    "$1" -g -pthread -o outside_cpp "$top/tests/outside.cc" $(pkg-config --cflags --libs "$2") >out 2>&1 \
        || fail "tests/outside.cc with $2: $(cat out)"
    CPROF_HEAP_RATE=4096 ./outside_cpp heap.pb.gz threads.pb.gz >out 2>&1 || fail "outside_cpp with $2 ends with $?: $(cat out)"
    "$prefix/bin/pprof" -traces heap.pb.gz 2>&1 | grep -q 'shop::keep' || fail "what C++ allocates with $2"
    "$prefix/bin/pprof" -tags threads.pb.gz 2>&1 | grep -q '/desk' || fail "labels of C++ threads with $2"
}
in_cpp g++ cprof
in_cpp g++ cprof-static
in_cpp clang++ cprof

# ---- taking it away ---------------------------------------------------------------------------------------

cd "$top" || exit 2
make -s uninstall "PREFIX=$prefix" || fail "make uninstall"
[ -z "$(find "$prefix" ! -type d)" ] || fail "make uninstall leaves $(find "$prefix" ! -type d)"
