#!/bin/sh
# Sees to the packages the workbook is built with: silent when all are there; else lists what is missing
# and why, and installs it where it may. Works with what a bare Debian has before anything is installed.
#
#   setup.sh [-n | -l]     -n shows what would be run and runs nothing; -l lists each package, found or not
#
# Exit: 0 all there (or installed), 2 something is missing and it may not or could not be installed.
# What counts is what is found, not the package: a library built by hand serves as well.

# package | how it is recognised | what it is for
# cmd: a command in PATH; pc: a pkg-config module; header: a file the compiler includes
needs='
gcc|cmd:gcc|compiles everything
libc6-dev|header:pthread.h|the C library to compile against
pkg-config|cmd:pkg-config|tells the compiler where the libraries are
check|pc:check|runs the checks of your fixes
libmicrohttpd-dev|pc:libmicrohttpd|HTTP in the demo servers, libcprof and pprof -http
libjemalloc-dev|pc:jemalloc|the allocator whose heap profile you read
libprotobuf-c-dev|pc:libprotobuf-c|the format profiles are stored in
protobuf-c-compiler|cmd:protoc-c|makes the code for that format
zlib1g-dev|pc:zlib|profiles are gzipped
libdeflate-dev|pc:libdeflate|unpacks them fast
libdw-dev|pc:libdw|turns addresses into functions, files and lines
libcurl4-openssl-dev|pc:libcurl|lets pprof fetch profiles
libedit-dev|pc:libedit|line editing in the pprof shell
libpcre2-dev|pc:libpcre2-8|regular expressions in -focus and its kin
'

dry_run='' list_only=''
case ${1-} in
-n | --dry-run) dry_run=yes ;;
-l | --list) list_only=yes ;;
'') ;;
*)
    echo "usage: setup.sh [-n | -l]" >&2
    exit 2
    ;;
esac

have() {
    command -v "$1" >/dev/null 2>&1
}

have_header() {
    [ -e "${SETUP_INCLUDE:-/usr/include}/$1" ] || { have gcc && echo "#include <$1>" | gcc -E - >/dev/null 2>&1; }
}

is_there() { # is_there KIND:NAME
    case $1 in
    cmd:*) have "${1#cmd:}" ;;
    pc:*) have pkg-config && pkg-config --exists "${1#pc:}" 2>/dev/null ;;
    header:*) have_header "${1#header:}" ;;
    esac
}

# All at once first: one pkg-config for every module keeps the usual case at a few milliseconds.
all_there() {
    modules=''
    for need in $(printf '%s' "$needs" | cut -d'|' -f2); do
        case $need in
        pc:*) modules="$modules ${need#pc:}" ;;
        *) is_there "$need" || return 1 ;;
        esac
    done
    # shellcheck disable=SC2086 # a list of names
    pkg-config --exists $modules 2>/dev/null
}

[ -n "$list_only" ] || ! all_there || exit 0

missing=''
list=''
old_ifs=$IFS
IFS='
'
for line in $needs; do
    package=${line%%|*}
    rest=${line#*|}
    if [ -n "$list_only" ]; then
        is_there "${rest%%|*}" && found=found || found=missing
        echo "$found $package ${rest#*|}"
    elif ! is_there "${rest%%|*}"; then
        missing="$missing $package"
        list="$list$(printf '  %-22s %s' "$package" "${rest#*|}")
"
    fi
done
IFS=$old_ifs
[ -n "$missing" ] || exit 0

line="apt-get update && apt-get install -y --no-install-recommends$missing"
printf 'setup: missing here:\n%s' "$list" >&2

if ! have apt-get; then
    echo "setup: this is no Debian (no apt-get): install what your system calls these, then run make again" >&2
    exit 2
fi

user=$(id -u) || exit 2
by_hand() { # by_hand WHY
    if [ "$user" -eq 0 ]; then
        command_line=$line
    elif have sudo; then
        command_line="sudo sh -c '$line'"
    else
        command_line="su -c '$line'"
    fi
    printf 'setup: %s; to install it, run this, then make again:\n  %s\n' "$1" "$command_line" >&2
    exit 2
}

as_root=''
if [ "$user" -ne 0 ]; then
    have sudo || by_hand "installing needs root, and there is no sudo"
    as_root=sudo
fi
if [ -t 0 ] && [ -t 2 ]; then
    printf 'setup: install it now%s? [Y/n] ' "${as_root:+ with sudo}" >&2
    read -r answer || answer=n
    case $answer in
    '' | [Yy]*) ;;
    *) by_hand "nothing was installed" ;;
    esac
elif [ -n "$as_root" ]; then
    as_root="sudo -n"
    sudo -n true 2>/dev/null || by_hand "sudo asks for a password, and there is no terminal to ask on"
fi

run() { # a command as root; apt asks nothing, and waits for another apt rather than failing
    if [ -n "$dry_run" ]; then
        echo "would run: ${as_root:+$as_root }$*"
    else
        # shellcheck disable=SC2086 # sudo -n is two words
        $as_root env DEBIAN_FRONTEND=noninteractive "$@" >&2
    fi
}

# A broken list of some third party must not stop us: whether the packages come is what counts.
run apt-get -q -o DPkg::Lock::Timeout=120 update ||
    echo "setup: apt-get update had trouble; trying with the lists that are here" >&2
# shellcheck disable=SC2086 # a list of names
if ! run apt-get -q -y -o DPkg::Lock::Timeout=120 install --no-install-recommends $missing; then
    by_hand "apt-get could not install them (is this machine offline?)"
fi
[ -n "$dry_run" ] && exit 0
all_there && exit 0
echo "setup: installed, yet something is still not found (is PATH or PKG_CONFIG_PATH unusual?)" >&2
exit 2
