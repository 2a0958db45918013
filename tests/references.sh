#!/bin/sh
# The reference solution of every exercise under a sanitizer: its server, under the traffic of its lesson's page, ended
# as by Ctrl-C. A report of the sanitizer's, another exit than 0, or requests that fail, fail it. What is profiled is
# left out: libcprof's functions would stand in the places of the sanitizer's.
#
#   references.sh FOLDER SECONDS LESSON...     FOLDER/lessonN are the programs (make references SAN=thread)
cd "$(dirname "$0")/.." || exit 2
folder=$1 seconds=$2
shift 2
dir=$(mktemp -d) || exit 2
server=''
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM
export TSAN_OPTIONS=halt_on_error=0:exitcode=66 ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1

# base N LOG: the server's address, once it has said so.
base() {
    tries=0
    while [ $tries -lt 600 ]; do
        at=$(sed -n 's|.*\(http://127\.0\.0\.1:[0-9]*\).*|\1|p' "$1" | head -n 1)
        [ -z "$at" ] || { echo "$at"; return; }
        sleep 0.1
        tries=$((tries + 1))
    done
    return 1
}

# try N: 0 when all is well; what is not, is in $dir/N.err.
try() {
    LOAD=''
    # shellcheck source=/dev/null
    . "exercises/lesson$1/lesson.conf"
    env --default-signal=INT "$folder/lesson$1" --port 0 >"$dir/$1.out" 2>"$dir/$1.err" &
    server=$!
    if ! url=$(base "$dir/$1.out"); then
        echo "it does not begin to serve" >>"$dir/$1.err"
        return 1
    fi
    # shellcheck disable=SC2086 # words
    demos/load --url "$url" $LOAD --duration "$seconds" --json "$dir/$1.json" >"$dir/$1.load" 2>&1 ||
        echo "the load fails: $(tail -n 1 "$dir/$1.load")" >>"$dir/$1.err"
    kill -INT "$server"
    wait "$server"
    code=$?
    server=''
    [ $code -eq 0 ] || echo "exit $code" >>"$dir/$1.err"
    ! grep -q -e 'Sanitizer' -e 'runtime error' -e '^exit' -e '^the load' "$dir/$1.err"
}

failed=0
for n; do
    if try "$n"; then
        echo "ok    lesson $n: $(sed -n 's/.*"requests": *\([0-9]*\).*/\1/p' "$dir/$n.json" | head -n 1) requests"
    else
        failed=$((failed + 1))
        echo "FAIL  lesson $n"
        head -n 60 "$dir/$n.err" | sed 's/^/      /'
    fi
done
[ $failed -eq 0 ]
