# shellcheck shell=sh disable=SC2034 # what is set here is used by those that source it
# What the figures of `make bench` share. Sourced by each of them, from the top folder.

built=${BENCH_BUILT:-.build/tests/bench}
raw=$(mktemp -d) || exit 2
trap 'rm -rf "$raw"' EXIT
trap 'exit 130' INT TERM

have() {
    command -v "$1" >/dev/null 2>&1
}

# row WHAT OURS BAR VERDICT [PEER…]: a line of the table; verdict is ok, MISSED or -.
row() {
    what=$1 ours=$2 bar=$3 verdict=$4
    shift 4
    printf '  %-46s ours %s' "$what" "$ours"
    for peer; do
        printf ' | %s' "$peer"
    done
    [ "$bar" = - ] || printf ' | bar %s | %s' "$bar" "$verdict"
    printf '\n'
    [ "$verdict" != MISSED ] || missed=1
}
missed=0

# at_most VALUE BAR: ok or MISSED; a value that is no number is missed.
at_most() {
    awk -v v="$1" -v bar="$2" 'BEGIN { print v ~ /^-?[0-9]/ && v + 0 <= bar + 0 ? "ok" : "MISSED" }'
}

# value NAME FILE: of lines "NAME VALUE".
value() {
    awk -v name="$1" '$1 == name { print $2 }' "$2"
}

# go_program NAME: builds tests/bench/NAME.go, silently; fails where there is no go.
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
