#!/bin/sh
# Dumps of 2,300 threads that wait.
. tests/bench/common.sh

goroutines=
! go_program goroutines || goroutines=$raw/goroutines
# shellcheck disable=SC2086 # nothing, or a path without spaces
"$built/threads_dump" 2300 20 $goroutines | sed 's/^/  /'
