#!/bin/sh
# What the wrappers add to a mutex, in one program that has all the ways of locking, in turns.
. tests/bench/common.sh

"$built/lock_cost" >"$raw/ours" || exit 1
# ratio FILE OF TO N: of the N-th words: 2 is the least, 3 the median
ratio() {
    awk -v a="$(value "$2" "$1" "$4")" -v b="$(value "$3" "$1" "$4")" 'BEGIN { if (b > 0) printf "%.2f", a / b }'
}
# ns FILE NAME
ns() {
    echo "$(value "$2" "$1") ns, median $(value "$2" "$1" 3) ($(value "$2" "$1" 4)-$(value "$2" "$1" 5))"
}
go_ns=$(skipped Go golang-go) go_ratio=$go_ns
if go_program lock_cost; then
    "$raw/lock_cost" >"$raw/go" || exit 1
    go_ns="Go's Mutex: $(value off "$raw/go") ns"
    go_ratio="Go: $(ratio "$raw/go" on off 2) of its own, median $(ratio "$raw/go" on off 3)"
fi
against() { # against OF TO: the words for ours
    echo "$(ratio "$raw/ours" "$1" "$2" 2), medians $(ratio "$raw/ours" "$1" "$2" 3)"
}
off=$(ratio "$raw/ours" off bare 2) on=$(ratio "$raw/ours" on bare 2)
row "uncontended lock and unlock, no profiler" "$(ns "$raw/ours" bare)" - - "$go_ns"
row "our wrappers, profiles off: times that" "$(against off bare)" 1.25 "$(at_most "$off" 1.25)"
row "mutex 1 in 100, block 10 us: times that" "$(against on bare)" 1.25 "$(at_most "$on" 1.25)" "$go_ratio"
row "CPU time when two threads fight: times that" "$(against on_contended bare_contended)" - -
