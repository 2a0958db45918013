# shellcheck shell=sh disable=SC2034 # what is set here is used by those that source it
# What the parts of `make bench` share. Sourced by each of them, from the top folder.

built=${BENCH_BUILT:-.build/tests/bench}
raw=$(mktemp -d) || exit 2
trap 'rm -rf "$raw"' EXIT
trap 'exit 130' INT TERM

have() {
    command -v "$1" >/dev/null 2>&1
}

# row WHAT OURS BAR VERDICT [PEER…]: a row of the table, and a line for each peer but the first. A bar of - is none.
row() {
    what=$1 ours=$2 bar=$3 verdict=$4
    shift 4
    [ "$bar" != - ] || bar='' verdict=''
    printf '  %-44s | %-34s | %-36s | %-10s | %s\n' "$what" "$ours" "${1-}" "$bar" "$verdict" | sed 's/[ |]*$//'
    [ $# -eq 0 ] || shift
    for peer; do
        printf '  %-44s | %-34s | %s\n' '' '' "$peer"
    done
}

# skipped PEER PACKAGE
skipped() {
    echo "$1: skipped, no $2"
}

# at_most VALUE BAR: ok or MISSED; a value that is no number is missed.
at_most() {
    awk -v v="$1" -v bar="$2" 'BEGIN { print v ~ /^-?[0-9]/ && v + 0 <= bar + 0 ? "ok" : "MISSED" }'
}

# both VERDICT VERDICT
both() {
    [ "$1 $2" != 'ok ok' ] && echo MISSED || echo ok
}

# value NAME FILE [N]: the N-th word, 2 unless told, of the line that begins with NAME.
value() {
    awk -v name="$1" -v n="${3:-2}" '$1 == name { print $n }' "$2"
}

# go_program NAME: builds tests/bench/NAME.go; fails where there is no go.
go_program() {
    have go && GOCACHE=${GOCACHE:-$raw/gocache} GO111MODULE=off go build -o "$raw/$1" "tests/bench/$1.go" 2>"$raw/go.log"
}

# peer_program NAME SOURCE FLAG…: compiles a program with what a peer brings; fails where that is not installed.
peer_program() {
    name=$1 source=$2
    shift 2
    "${CC:-gcc}" -std=gnu11 -D_GNU_SOURCE -O2 -g -fno-omit-frame-pointer -pthread -Iprofiler "$source" "$@" \
        -o "$raw/$name" 2>"$raw/$name.log"
}

# The machine, and how busy it was when it began.
machine() {
    printf 'machine: %s, %s cores, Linux %s, %s, %s, load %s\n' \
        "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" "$(nproc)" "$(uname -r)" \
        "$(ldd --version | sed -n '1s/.* /glibc /p')" "$("${CC:-gcc}" -dumpfullversion | sed 's/^/gcc /')" \
        "$(cut -d' ' -f1 /proc/loadavg)"
}
