#!/bin/sh
# What the preloaded library costs a program that is not profiled: an exec, and what it asks the kernel for.
. tests/bench/common.sh

seconds=20 program=$(command -v true) lib=$PWD/profiler/libcprof.so
case $program in /*) ;; *) program=/bin/true ;; esac
at=2 jemalloc='' gperftools=''
set -- "$lib"
library() { # library NAME: its path, if it is installed
    ldconfig -p | sed -n "s/^[[:space:]]*$1 .*x86-64.* => //p" | head -n 1
}
file=$(library libjemalloc.so.2)
[ -z "$file" ] || { set -- "$@" "$file" && jemalloc=$at && at=$((at + 1)); }
file=$(library libtcmalloc_and_profiler.so.4)
[ -z "$file" ] || { set -- "$@" "$file" && gperftools=$at; }
"$built/exec_cost" "$seconds" "$program" "$@" >"$raw/ours" || exit 1

# How much more than the bare one.
least() { # least N
    awk -v a="$(value "$1" "$raw/ours")" -v b="$(value bare "$raw/ours")" 'BEGIN { printf "%.2f", a - b }'
}
median() { # median NAME
    echo "$(value "$1" "$raw/ours" 3) ms ($(value "$1" "$raw/ours" 4) to $(value "$1" "$raw/ours" 5))"
}
jemalloc_least=$(skipped jemalloc libjemalloc2) jemalloc_median=$jemalloc_least jemalloc_cpu=$jemalloc_least
jemalloc_asks=$jemalloc_least
gperftools_least=$(skipped gperftools libgoogle-perftools4) gperftools_median=$gperftools_least gperftools_cpu=$gperftools_least
gperftools_asks=$gperftools_least
# asks LIBRARY: what the program asks for with it that it does not ask for without, but for the libraries it needs
asks() {
    .build/tests/asked env LD_PRELOAD="$1" "$program" | sort >"$raw/with"
    comm -13 "$raw/without" "$raw/with" | grep -v '^file .*\.so'
}
kinds() {
    awk '{ n[$1]++ } END { for (k in n) s = s (s ? ", " : "") n[k] " " k (n[k] > 1 ? "s" : ""); print s ? s : "nothing" }'
}
if .build/tests/asked "$program" >"$raw/without" 2>"$raw/asked.err"; then
    sort -o "$raw/without" "$raw/without"
    asks "$lib" >"$raw/ours.asks"
    [ -z "$jemalloc" ] || asks "$(eval "echo \"\$$jemalloc\"")" >"$raw/jemalloc.asks"
    [ -z "$gperftools" ] || asks "$(eval "echo \"\$$gperftools\"")" >"$raw/gperftools.asks"
fi
if [ -n "$jemalloc" ]; then
    jemalloc_least="jemalloc: $(least "$jemalloc") ms" jemalloc_median="jemalloc: $(median "more_$jemalloc")"
    jemalloc_cpu="jemalloc: $(median "cpu_$jemalloc")"
    [ ! -s "$raw/jemalloc.asks" ] || jemalloc_asks="jemalloc: $(kinds <"$raw/jemalloc.asks")"
fi
if [ -n "$gperftools" ]; then
    gperftools_least="gperftools: $(least "$gperftools") ms" gperftools_median="gperftools: $(median "more_$gperftools")"
    gperftools_cpu="gperftools: $(median "cpu_$gperftools")"
    [ ! -s "$raw/gperftools.asks" ] || gperftools_asks="gperftools: $(kinds <"$raw/gperftools.asks")"
fi
row "an exec of $(basename "$program") alone, median of $(value rounds "$raw/ours")" "$(value bare "$raw/ours" 3) ms ($(value bare "$raw/ours" 4)-$(value bare "$raw/ours" 5))" - -
row 'more with the library, shortest of each' "$(least 1) ms" '1 ms' "$(at_most "$(least 1)" 1)" "$jemalloc_least" "$gperftools_least"
row 'more with the library, median of pairs' "$(median more_1)" '1 ms' "$(at_most "$(value more_1 "$raw/ours" 3)" 1)" \
    "$jemalloc_median" "$gperftools_median"
row '  CPU time of that, median of pairs' "$(median cpu_1)" '1 ms' "$(at_most "$(value cpu_1 "$raw/ours" 3)" 1)" \
    "$jemalloc_cpu" "$gperftools_cpu"
"$built/exec_cost" 8 "$built/exec_cost" "$@" >"$raw/allocates" || exit 1
of_jemalloc=$jemalloc_median
[ -z "$jemalloc" ] || of_jemalloc="jemalloc: $(value "cpu_$jemalloc" "$raw/allocates" 3) ms"
row '  CPU time of a program that allocates once' "$(value cpu_1 "$raw/allocates" 3) ms" - - "$of_jemalloc"
if [ -s "$raw/asked.err" ]; then
    row 'threads, sockets, files, handlers, timers' 'skipped, tracing is not allowed here' - -
else
    # What its allocator reads for itself is the allocator's.
    own=$(grep -cvxF -e 'file /etc/malloc.conf' -e 'file /proc/sys/vm/overcommit_memory' \
        -e 'file /sys/kernel/mm/transparent_hugepage/enabled' "$raw/ours.asks")
    row 'threads, sockets, files, handlers, timers' "$own, and its jemalloc's $(kinds <"$raw/ours.asks")" none \
        "$(at_most "$own" 0)" "$jemalloc_asks" "$gperftools_asks"
fi
