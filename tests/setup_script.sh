#!/bin/sh
# exercises/engine/setup.sh against machines that are not this one: what it finds, asks, runs and refuses is
# decided by the commands in PATH, so each case gets a PATH of its own.
top=$(cd "$(dirname "$0")/.." && pwd) || exit 2
setup=$top/exercises/engine/setup.sh
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
failed=0

fail() {
    echo "setup_script: $*"
    sed 's/^/    /' "$dir/out"
    failed=1
}
expect() { # expect WHAT CODE: the last run's exit code
    [ "$code" -eq "$2" ] || fail "$1: exit $code, expected $2"
}
expect_line() { # expect_line WHAT PATTERN
    grep -q -- "$2" "$dir/out" || fail "$1: no line with '$2'"
}
expect_log() { # expect_log WHAT LINE: what was run, in order
    [ "$(cat "$dir/log" 2>/dev/null)" = "$2" ] || fail "$1: ran '$(cat "$dir/log" 2>/dev/null)', expected '$2'"
}

machine() { # machine COMMAND…: an empty one with these commands, the real ones setup.sh needs, and nothing else
    rm -rf "${dir:?}/bin" "$dir/log" "$dir/include"
    mkdir "$dir/bin" "$dir/include"
    for real in cut id env sh cat; do
        [ "$real" = id ] || ln -s "$(command -v "$real")" "$dir/bin/$real"
    done
    echo 0 >"$dir/uid"
    # shellcheck disable=SC2016 # for the fake to expand
    put id 'cat "'"$dir"'/uid"'
    for command in "$@"; do
        put "$command"
    done
}
put() { # put COMMAND [BODY]: a command that logs its words and does BODY
    {
        echo '#!/bin/sh'
        [ "$1" = id ] || echo "echo \"$1 \$*\" >>'$dir/log'"
        echo "${2:-exit 0}"
    } >"$dir/bin/$1"
    chmod +x "$dir/bin/$1"
}
run() {
    PATH=$dir/bin SETUP_INCLUDE=$dir/include "$dir/bin/sh" "$setup" "$@" >"$dir/out" 2>&1 </dev/null
    code=$?
}

packages='gcc libc6-dev pkg-config check libmicrohttpd-dev libjemalloc-dev libprotobuf-c-dev protobuf-c-compiler zlib1g-dev libdeflate-dev libdw-dev libcurl4-openssl-dev libedit-dev libpcre2-dev'
install="apt-get -q -y -o DPkg::Lock::Timeout=120 install --no-install-recommends"
update="apt-get -q -o DPkg::Lock::Timeout=120 update"

# Everything there: silent, and nothing but one question to pkg-config.
machine gcc pkg-config protoc-c
touch "$dir/include/pthread.h"
run
expect 'all there' 0
[ ! -s "$dir/out" ] || fail 'all there: not silent'
[ "$(grep -c . "$dir/log")" -eq 1 ] || fail 'all there: more than one command run'

# A bare Debian, root, no terminal: lists each package with its reason, updates, installs; and since the fake
# installs nothing, says so.
machine apt-get
run
for package in $packages; do
    expect_line 'bare' "^  $package  *[a-zA-Z]"
done
expect_log 'bare' "$update
$install $packages"
expect 'bare, nothing appears' 2
expect_line 'bare, nothing appears' 'still not found'

# What the packages bring is noticed.
machine
put apt-get "case \$* in *install*) for c in gcc pkg-config protoc-c; do printf '#!/bin/sh\nexit 0\n' >'$dir/bin/'\$c; chmod +x '$dir/bin/'\$c; done; : >'$dir/include/pthread.h' ;; esac"
ln -s "$(command -v chmod)" "$dir/bin/chmod"
run
expect 'installs' 0

# Only what is missing.
machine apt-get gcc protoc-c
touch "$dir/include/pthread.h"
# shellcheck disable=SC2016 # for the fake to expand
put pkg-config 'case "$*" in *libedit*) exit 1 ;; esac'
run -n
expect 'one missing' 0
expect_line 'one missing' "^would run: $install libedit-dev\$"
! grep -q apt-get "$dir/log" || fail 'dry run: it ran apt-get'

# Not root, no sudo: the one line to type.
machine apt-get
echo 1000 >"$dir/uid"
run
expect 'no sudo' 2
expect_line 'no sudo' "^  su -c 'apt-get update && apt-get install -y --no-install-recommends $packages'\$"
expect_log 'no sudo' ''

# Not root, sudo wants a password, no terminal.
machine apt-get
echo 1000 >"$dir/uid"
put sudo 'exit 1'
run
expect 'sudo asks' 2
expect_line 'sudo asks' "^  sudo sh -c 'apt-get update && apt-get install"
expect_log 'sudo asks' 'sudo -n true'

# Not root, sudo goes without: through it.
machine apt-get sudo
echo 1000 >"$dir/uid"
run
expect_log 'sudo' "sudo -n true
sudo -n env DEBIAN_FRONTEND=noninteractive $update
sudo -n env DEBIAN_FRONTEND=noninteractive $install $packages"

# Offline: update fails and is no reason to stop; install fails and is.
machine
put apt-get 'exit 100'
run
expect 'offline' 2
expect_line 'offline' 'is this machine offline'

# No Debian.
machine
run
expect 'no apt' 2
expect_line 'no apt' 'no apt-get'

# A terminal is asked, once; no means no.
if command -v script >/dev/null; then
    for answer in n y; do
        machine apt-get
        echo "$answer" | PATH=$dir/bin:$PATH SETUP_INCLUDE=$dir/include script -qec "env PATH='$dir/bin' sh '$setup'" /dev/null >"$dir/out" 2>&1
        code=$?
        expect "terminal $answer" 2
        [ "$(grep -c 'Y/n' "$dir/out")" -eq 1 ] || fail "terminal $answer: asked other than once"
        [ "$answer" = y ] || expect_log 'terminal n' ''
        [ "$answer" = n ] || expect_log 'terminal y' "$update
$install $packages"
    done
fi

run --wrong
expect 'usage' 2
[ "$failed" -eq 0 ] && echo "setup_script: all as it should be"
exit "$failed"
