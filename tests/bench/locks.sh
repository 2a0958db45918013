#!/bin/sh
# What the wrappers add to a mutex.
. tests/bench/common.sh

"$built/lock_cost" >"$raw/ours" || exit 1
ratio() { # ratio FILE OF TO
    awk -v a="$(value "$2" "$1")" -v b="$(value "$3" "$1")" 'BEGIN { if (b > 0) printf "%.2f", a / b }'
}
go='Go: skipped, golang-go is not installed'
if go_program lock_cost; then
    "$raw/lock_cost" >"$raw/go"
    go="Go $(ratio "$raw/go" on off) of its own off, $(value on "$raw/go") ns"
fi
row 'uncontended lock and unlock, libc'"'"'s own' "$(value bare "$raw/ours") ns" - -
row 'the same, profiling off' "$(ratio "$raw/ours" off bare) of it" 1.25 "$(at_most "$(ratio "$raw/ours" off bare)" 1.25)"
row 'the same, mutex 1 in 100 and block 10 us' "$(ratio "$raw/ours" on bare) of it" 1.25 \
    "$(at_most "$(ratio "$raw/ours" on bare)" 1.25)" "$go"
row 'CPU time when two threads fight for it' \
    "$(ratio "$raw/ours" on_contended bare_contended) of libc's $(value bare_contended "$raw/ours") ns" - -
exit "$missed"
