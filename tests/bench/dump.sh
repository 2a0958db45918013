#!/bin/sh
# Dumps of 2,300 threads that wait in eight ways, over HTTP: from the request's first byte to the reply's last.
. tests/bench/common.sh

threads=2300 rounds=40
set -- "$threads" "$rounds"
! go_program goroutines || set -- "$@" "$raw/goroutines"
"$built/threads_dump" "$@" >"$raw/ours" || exit 1
# ms NAME: the median, and the middle half
ms() {
    echo "$(value "$1" "$raw/ours" 3) ms ($(value "$1" "$raw/ours" 4)-$(value "$1" "$raw/ours" 5))"
}
go=$(skipped Go golang-go) go_anew=$go go_cold=$go eu_stack=$(skipped eu-stack elfutils) eu_stack_ended=$eu_stack
if [ $# -gt 2 ]; then
    go="Go: $(ms go_warm)" go_anew="Go: $(ms go_anew)" go_cold="Go: $(value go_cold "$raw/ours") ms"
fi
if [ -n "$(value eu_stack "$raw/ours")" ]; then
    eu_stack="eu-stack: $(value eu_stack "$raw/ours") ms" eu_stack_ended="eu-stack: $(value eu_stack_ended_early "$raw/ours")"
fi
row "debug=2, at once after another, median" "$(ms threads_warm)" '10 ms' \
    "$(at_most "$(value threads_warm "$raw/ours" 3)" 10)" "$go" "$eu_stack"
row 'debug=2, a second and more after another' "$(ms threads_anew)" '10 ms' \
    "$(at_most "$(value threads_anew "$raw/ours" 3)" 10)" "$go_anew"
row '  CPU time of either, who asks included' "$(ms threads_warm_cpu), $(ms threads_anew_cpu)" - -
row 'debug=2, the first ever, names to be found' "$(value threads_cold "$raw/ours") ms" - - "$go_cold"
row 'as Go has it, at once after another' "$(ms goroutine_warm)" - -
row 'debug=1, at once after another' "$(ms grouped_warm)" - -
row 'the profile, at once after another' "$(ms profile_warm)" - -
for hz in 99 1000; do
    row "wall profile, $hz Hz asked" "$(sed -n "s/^wall, $hz Hz asked, \(.*\) reached, /\1 Hz reached, /p" "$raw/ours")" - -
done
early=$(value ended_early "$raw/ours")
row 'waits that all of these ended' "$early, $(value switches "$raw/ours") context switches" 0 "$(at_most "$early" 0)" \
    "$eu_stack_ended"
