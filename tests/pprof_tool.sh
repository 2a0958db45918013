#!/bin/sh
# The tool as people run it: what goes to which stream, exit codes, files it writes, and the shell as a script.
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
build=${BUILD:-.build}
export HOME="$dir" TZ=UTC
failed=0
"$build/tests/make_profile" gateway >"$dir/gateway.pb.gz" || exit 1
profile=$dir/gateway.pb.gz

check() { # check WHAT STATUS...: notes a failure
    what=$1
    shift
    "$@" && return
    failed=$((failed + 1))
    echo "fails: $what"
    head -5 "$dir/out" "$dir/err"
}

run() { # run ARGS...: output in $dir/out and $dir/err, exit status in $status
    profiler/pprof "$@" >"$dir/out" 2>"$dir/err" </dev/null
    status=$?
}

refused() { # refused TEXT ARGS...: nothing on standard output, one line with TEXT, exit 2
    text=$1
    shift
    run "$@"
    check "pprof $* (exit $status)" [ "$status" -eq 2 ]
    check "pprof $*: standard output" [ ! -s "$dir/out" ]
    check "pprof $*: one line" [ "$(wc -l <"$dir/err")" -eq 1 ]
    check "pprof $*: says $text" grep -q -e "$text" "$dir/err"
}

run -top "$profile"
check "-top" [ "$status" -eq 0 ]
check "-top is the golden" cmp "$dir/out" tests/golden/pprof.top
check "-top says nothing else" [ ! -s "$dir/err" ]

run -proto -focus=cache -output="$dir/cache.pb.gz" "$profile"
check "-output" [ "$status" -eq 0 ]
run -top "$dir/cache.pb.gz"
check "a written profile reads" grep -q '600ms   100%   100%\|of 600ms total' "$dir/out"
gunzip -c "$profile" >"$dir/plain.pb"
run -top "$dir/plain.pb"
check "unzipped" cmp "$dir/out" tests/golden/pprof.top

printf 'top\nlist zzz\nsample_index=samples\ntop2\nquit\nraw\n' | profiler/pprof "$profile" >"$dir/out" 2>"$dir/err"
check "the shell leaves with 0" [ $? -eq 0 ]
check "the shell's prompts" [ "$(grep -o '(pprof) ' "$dir/out" | wc -l)" -eq 5 ]
check "the shell reports" grep -q 'of 105 total' "$dir/out"
check "the shell greets" grep -q '^Entering interactive mode' "$dir/err"
check "the shell names mistakes" grep -q 'no matches found for regexp: zzz' "$dir/err"

run -help
check "-help goes to standard output" [ "$status" -eq 0 ]
check "-help" grep -q 'pprof -FORMAT' "$dir/out"

refused 'no profile source'
refused 'is no option' -nosuch "$profile"
refused 'options go first' "$profile" -top
refused 'No such file' -top "$dir/nosuch"
refused 'not a profile' -top tests/pprof_tool.sh
refused 'missing closing parenthesis at offset 1' -top '-focus=(' "$profile"
refused 'regexp given up' -top '-focus=^(?P<x>(.+)+)+(?P=x)(?:;|#)$' "$profile"

printf 'goroutine profile: total 3\n3 @ 0x401001 0x402001\nMAPPED_LIBRARIES:\n400000-480000: /srv/prog\n' >"$dir/old.txt"
run -top "$dir/old.txt"
check "an older format" grep -q '^ *3   100%   100%          3   100%  \[prog\]' "$dir/out"
gzip "$dir/old.txt"
run -top "$dir/old.txt.gz"
check "an older format, gzipped" grep -q '\[prog\]' "$dir/out"
printf 'goroutine profile: total 3\n3 @ nowhere\n' >"$dir/broken.txt"
refused 'line 2: expected' -top "$dir/broken.txt"
printf 'heap_v2/4096\n  t*: 1: 64 [0: 0]\n@ 0x401001\n  t*: 1: 64 [0: 0]\n\nMAPPED_LIBRARIES:\n' >"$dir/je.heap"
printf '00400000-00480000 r-xp 00000000 08:01 5 /nonexistent/prog\n' >>"$dir/je.heap"
run -top -inuse_objects "$dir/je.heap"
check "jemalloc's dump" grep -q '^ *64   100%   100%         64   100%  \[prog\]' "$dir/out"
head -c 30 "$dir/je.heap" >"$dir/cut.heap"
refused 'cut.heap: not a profile: line 2: expected' -top "$dir/cut.heap"
printf 'a 7 1.5: 250000 cpu-clock: \n\t401001 f+0x1 (/srv/prog)\n\n' >"$dir/perf.txt"
run -top "$dir/perf.txt"
check "perf script" grep -q '^ *250us   100%   100%      250us   100%  f$' "$dir/out"
run -tags "$dir/perf.txt"
check "perf script's labels" grep -q '250us (  100%): cpu-clock' "$dir/out"
head -c 45 "$dir/perf.txt" >"$dir/cut.txt"
refused 'cut.txt: not a profile: line 2: the text ends within a frame' -top "$dir/cut.txt"
refused 'no matches found' -peek=zzz "$profile"
refused 'sample_index' -top -sample_index=9 "$profile"

head -c 300 "$profile" >"$dir/cut.pb.gz"
refused 'ends early' -top "$dir/cut.pb.gz"
head -c 300 "$dir/plain.pb" >"$dir/cut.pb"
refused 'offset' -top "$dir/cut.pb"
[ "$failed" -eq 0 ] && echo "all as it should be"
[ "$failed" -eq 0 ]
