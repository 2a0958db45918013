#!/bin/sh
# The tool as people run it: what goes to which stream, exit codes, files it writes, and the shell as a script.
# PPROF names another than profiler/pprof.
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
build=${BUILD:-.build} pprof=${PPROF:-profiler/pprof}
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
    "$pprof" "$@" >"$dir/out" 2>"$dir/err" </dev/null
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

printf 'top\nlist zzz\nsample_index=samples\ntop2\nquit\nraw\n' | "$pprof" "$profile" >"$dir/out" 2>"$dir/err"
check "the shell leaves with 0" [ $? -eq 0 ]
check "the shell's prompts" [ "$(grep -o '(pprof) ' "$dir/out" | wc -l)" -eq 5 ]
check "the shell reports" grep -q 'of 105 total' "$dir/out"
check "the shell greets" grep -q '^Entering interactive mode' "$dir/err"
check "the shell names mistakes" grep -q 'no matches found for regexp: zzz' "$dir/err"

run -help
check "-help goes to standard output" [ "$status" -eq 0 ]
check "-help" grep -q 'pprof -FORMAT' "$dir/out"
check "-help is short" [ "$(wc -l <"$dir/out")" -lt 60 ]

refused 'no profile source'
refused '-tls_cert and -tls_key go together' -top -tls_cert="$profile" "$profile"
refused '-tls_ca: /nowhere: No such file' -top -tls_ca=/nowhere "$profile"
refused 'the token has a character' -top '-token=a b' "$profile"
refused 'is no option' -nosuch "$profile"
refused 'options go first' "$profile" -top
refused 'No such file' -top "$dir/nosuch"
refused 'not a profile' -top tests/pprof_tool.sh
refused 'missing closing parenthesis at offset 1' -top '-focus=(' "$profile"
refused 'regexp given up' -top '-focus=^(?P<x>(.+)+)+(?P=x)(?:;|#)$' "$profile"

# The browser's view: where it is, until Ctrl-C. What it serves, test_web looks at.
"$pprof" -http=: -no_browser "$profile" >"$dir/out" 2>"$dir/err" </dev/null &
server=$!
for _ in $(seq 100); do
    [ -s "$dir/err" ] && break
    sleep 0.1
done
check "-http says where, as the reference" grep -q '^Serving web UI on http://localhost:[1-9][0-9]*$' "$dir/err"
kill -INT "$server"
wait "$server"
check "-http ends with 0" [ $? -eq 0 ]
check "-http prints nothing else" [ "$(cat "$dir/out" "$dir/err" | wc -l)" -eq 1 ]
refused 'is not \[HOST\]:\[PORT\]' -http=8080 "$profile"
refused '-http and -top do not go together' -http=: -top "$profile"

# For programs, and for CI.
if command -v python3 >/dev/null 2>&1; then
    for kind in gateway 1 2; do
        "$build/tests/make_profile" "$kind" >"$dir/any.pb.gz"
        run -json "$dir/any.pb.gz"
        check "-json of $kind is JSON" python3 -m json.tool "$dir/out" /dev/null
        run -csv "$dir/any.pb.gz"
        check "-csv of $kind is CSV" python3 -c 'import csv, sys
rows = list(csv.DictReader(open(sys.argv[1], newline="")))
sys.exit(not rows or any(None in r or None in r.values() or int(r["cum"]) < int(r["flat"]) for r in rows))' "$dir/out"
    done
fi
run -fail_if 'cum(json)>50%' "$profile"
check "a limit that is kept" [ "$status" -eq 0 ]
check "a limit that is kept says what was measured" grep -q '^ok .*: 40.95%, 430ms of 1.05s$' "$dir/out"
run -fail_if 'list_move>=450ms' -fail_if 'cum(json)>50%' "$profile"
check "a limit that is passed" [ "$status" -eq 3 ]
check "a limit that is passed is named" [ "$(grep '^FAILED' "$dir/out")" = 'FAILED list_move>=450ms: 450ms' ]
run -top -fail_if 'list_move>1%' "$profile"
check "a report and a limit" [ "$status" -eq 3 ]
check "a report and a limit: the report" cmp "$dir/out" tests/golden/pprof.top
check "a report and a limit: the limit" grep -q '^FAILED list_move>1%: 42.86%, 450ms of 1.05s$' "$dir/err"
run -fail_if 'total>10%' -diff_base="$profile" "$profile" "$profile"
check "growth" [ "$status" -eq 3 ]
check "growth is measured" grep -q '^FAILED total>10%: 100.00%, 1.05s of 1.05s$' "$dir/out"
refused 'position 6: expected a closing parenthesis' -fail_if 'flat(>5%' "$profile"
refused '-fail_if: "list_move>5kb": position 12: expected % or a unit of cpu (nanoseconds)' -fail_if 'list_move>5kb' "$profile"

# Completion: what is installed is what the tables give, and bash completes with it.
run -completions=bash
check "bash completion is up to date" cmp "$dir/out" profiler/packaging/completions/pprof.bash
run -completions=zsh
check "zsh completion is up to date" cmp "$dir/out" profiler/packaging/completions/_pprof
run -completions=fish
check "fish completion is up to date" cmp "$dir/out" profiler/packaging/completions/pprof.fish
refused 'bash, zsh and fish' -completions=csh
completes() { # completes WANT WORDS...: the last word, as bash divides them
    want=$1
    shift
    # shellcheck disable=SC2016 # it is for bash
    got=$(bash -c '. profiler/packaging/completions/pprof.bash
        COMP_WORDS=(pprof "$@") COMP_CWORD=$#
        _pprof
        echo "${COMPREPLY[*]}"' bash "$@" 2>&1)
    check "bash completes $* ($got)" [ "$got" = "$want" ]
}
completes '-flame -flat' -fla
completes '-flame' --flam
completes '-sample_index=' -sampl
completes 'inuse_space inuse_objects' -top -sample_index = inuse
completes 'demangle=full' -symbolize demangle=f
completes 'README.md' -top READM
completes 'README.md' -diff_base = READM
for shell in zsh fish; do
    command -v $shell >/dev/null 2>&1 || continue
    run -completions=$shell
    check "$shell takes its completion" $shell -n "$dir/out"
done

# Help, and what somebody may have meant.
run help list
check "help on a format" grep -q 'func_regex|address' "$dir/out"
run help all
check "help all has options of all kinds" [ "$(grep -c -e '-edgefraction' -e '-tls_ca' -e '-topproto' -e '-mean_delay' "$dir/out")" -eq 4 ]
refused 'flaem is no option; did you mean flame?' help flaem
refused '-nodecuont is no option; did you mean -nodecount?' -top -nodecuont=3 "$profile"
refused 'regexp: cache_evcit; did you mean cache_evict?' -peek=cache_evcit "$profile"
run -top -focus=evcit "$profile"
check "a misspelled focus" grep -q '^did you mean cache_evict?$' "$dir/err"

# In the terminal, and for a pipe.
run -flame "$profile"
check "-flame is the golden" cmp "$dir/out" tests/golden/pprof.flame
COLUMNS=50 run -flame "$profile"
check "-flame takes COLUMNS" [ "$(grep '^\[' "$dir/out" | wc -L)" -eq 50 ]
if command -v script >/dev/null 2>&1; then
    on_terminal() { script -qec "stty cols 66; $pprof -flame $profile" "$dir/typescript" >/dev/null 2>&1; }
    TERM=xterm on_terminal
    check "-flame has colours on a terminal" grep -q 'all 100%.*\[0m' "$dir/typescript"
    TERM=xterm NO_COLOR=1 on_terminal
    check "-flame honours NO_COLOR, and fits" grep -q '^\[all 100% \{56\}\]' "$dir/typescript"
fi
run -growth -diff_base="$profile" "$profile"
check "-growth of nothing" [ "$(grep -c '^  nothing$' "$dir/out")" -eq 2 ]
refused 'growth compares two profiles' -growth "$profile"

# Profiles of one program, read together; a folder need not have all of them.
mkdir "$dir/folder"
refused 'no cpu.pb.gz' -triage "$dir/folder"
cp "$profile" "$dir/folder/cpu.pb.gz"
run -triage "$dir/folder"
check "-triage of a folder" [ "$status" -eq 0 ]
check "-triage says what is busy" grep -q '^busy .* list_move$' "$dir/out"
check "-triage says what is not there" grep -q '^  mutex   not there: not collected' "$dir/out"
check "-triage fits" [ "$(wc -L <"$dir/out")" -le 80 ]
refused 'wants one URL, or one folder' -triage "$profile" "$profile"
refused '-triage and -top do not go together' -triage -top "$dir/folder"

# Two such folders as one page, which needs nothing else.
mkdir "$dir/after"
"$pprof" -symbolize=none -proto -ignore=list_move -output="$dir/after/cpu.pb.gz" "$profile" 2>/dev/null
run -compare "$dir/folder" "$dir/after/"
check "-compare of two folders" [ "$status" -eq 0 ]
check "-compare is whole" [ "$(grep -c '^</html>$' "$dir/out")" -eq 1 ]
check "-compare refers to no file" [ "$(grep -c -e '<script src' -e 'rel="stylesheet"' -e '@DATA@' "$dir/out")" -eq 0 ]
check "-compare has both, and what they differ by" grep -q '"name":"folder"}.*"name":"after"}.*"flames":{"cpu":{"unit":"nanoseconds","tree":{"signed": true' "$dir/out"
run -compare -output="$dir/page.html" "$dir/folder" "$dir/after"
check "-compare -output" grep -q '^</html>$' "$dir/page.html"
refused 'wants two folders: before, after' -compare "$dir/folder"
refused '-compare and -triage do not go together' -compare -triage "$dir/folder" "$dir/after"
refused '-compare and -top do not go together' -compare -top "$dir/folder" "$dir/after"
refused "-compare: there is no folder $profile" -compare "$profile" "$dir/folder"
refused 'nowhere' -compare "$dir/folder" "$dir/nowhere"
mkdir "$dir/empty"
refused 'no cpu.pb.gz' -compare "$dir/folder" "$dir/empty"

run -triage -seconds=60 http://127.0.0.1:1
check "-triage of nothing (exit $status)" [ "$status" -eq 2 ]
check "-triage of nothing says so at once" grep -q 'debug/pprof/heap: http fetch: Failed to connect' "$dir/err"

# Of several sources, each sample says where it is from; so they can be told apart again.
mkdir "$dir/fleet"
cp "$profile" "$dir/fleet/one.pb.gz"
run -proto -source_label=instance -output="$dir/merged.pb.gz" "$dir/fleet/one.pb.gz" "$dir/fleet/one.pb.gz"
run -tags -tagshow=instance "$dir/merged.pb.gz"
check "-source_label adds up what is from one source" grep -q '2.10s (  100%): one$' "$dir/out"
cp "$profile" "$dir/fleet/two.prof"
run -proto -source_label=instance -output="$dir/merged.pb.gz" "$dir/fleet/one.pb.gz" "$dir/fleet/two.prof"
run -tags -tagshow=instance "$dir/merged.pb.gz"
check "-source_label names each source" [ "$(grep -c '1.05s (50.00%): \(one\|two\)$' "$dir/out")" -eq 2 ]
run -top -tagfocus=instance=two "$dir/merged.pb.gz"
check "-tagfocus takes one of them again" grep -q '^ *450ms 21.43% .* list_move (inline)$' "$dir/out"
run -top -tagroot=instance -cum "$dir/merged.pb.gz"
check "-tagroot shows who does what" grep -q '1050ms 50.00%  *two$' "$dir/out"
run -top "$dir/merged.pb.gz"
check "-source_label changes no values" grep -q '^ *900ms 42.86% .* list_move (inline)$' "$dir/out"

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

# Pictures, by dot where there is one; shown by what $BROWSER names, which gets a file that goes afterwards.
mkdir "$dir/none"
PATH_WITHOUT=$dir/none
with_path() { # with_path PATH ARGS...
    path=$1
    shift
    PATH=$path "$pprof" "$@" >"$dir/out" 2>"$dir/err" </dev/null
    status=$?
}
with_path "$PATH_WITHOUT" -svg "$profile"
check "no dot" [ "$status" -eq 2 ]
check "no dot: says which package" grep -q 'the package graphviz has it' "$dir/err"
if command -v dot >/dev/null 2>&1; then
    run -svg "$profile"
    check "-svg" [ "$status" -eq 0 ]
    check "-svg is one" grep -q '<svg width="100%" height="100%" viewBox=' "$dir/out"
    check "-svg moves" grep -q 'addEventListener' "$dir/out"
    run -png -output="$dir/graph.png" "$profile"
    check "-png" [ "$(head -c 4 "$dir/graph.png" | tail -c 3)" = PNG ]
fi
# shellcheck disable=SC2016 # it is the browser's $1
printf '#!/bin/sh\necho "$1" >"%s/seen"\ncp "$2" "%s/page"\n' "$dir" "$dir" >"$dir/browser"
chmod +x "$dir/browser"
export BROWSER="$dir/browser --new" TMPDIR="$dir"
run -weblist=json -source_path=/nowhere "$profile"
check "-weblist is shown" [ "$status" -eq 0 ]
check "-weblist: the browser's own words" [ "$(cat "$dir/seen")" = --new ]
check "-weblist is the golden" cmp "$dir/page" "tests/golden/pprof.weblist=json.source_path=nowhere"
check "-weblist leaves nothing behind" [ -z "$(ls "$dir"/pprof-* 2>/dev/null)" ]
unset BROWSER TMPDIR
with_path "$PATH_WITHOUT" -weblist=json "$profile"
check "no browser" grep -q 'there is no browser here to show it in: -output=FILE' "$dir/err"

# Instructions, of the program that made the profile.
"$build/tests/make_profile" own >"$dir/own.pb.gz"
with_path "$PATH_WITHOUT" -disasm=sampled_function "$dir/own.pb.gz"
check "no objdump: says which package" grep -q 'the package binutils has it' "$dir/err"
if command -v objdump >/dev/null 2>&1; then
    run -disasm=sampled_function "$dir/own.pb.gz"
    check "-disasm" grep -q '^ *7 *7 *[0-9a-f]*: ' "$dir/out"
    check "-disasm: the function" grep -q '^ROUTINE =* sampled_function$' "$dir/out"
    check "-disasm: the line" grep -q ';sampled_function make_profile.c:' "$dir/out"
    run -weblist=sampled_function -output="$dir/own.html" "$dir/own.pb.gz"
    check "-weblist with instructions" grep -q 'class=unimportant>make_profile.c:' "$dir/own.html"
    refused 'no objdump in /nowhere, where -tools' -tools=/nowhere -disasm=sampled_function "$dir/own.pb.gz"
fi

head -c 300 "$profile" >"$dir/cut.pb.gz"
refused 'ends early' -top "$dir/cut.pb.gz"
head -c 300 "$dir/plain.pb" >"$dir/cut.pb"
refused 'offset' -top "$dir/cut.pb"
[ "$failed" -eq 0 ] && echo "all as it should be"
[ "$failed" -eq 0 ]
