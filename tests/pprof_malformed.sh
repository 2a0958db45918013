#!/bin/sh
# What is wrong with a file is one line that names the file, the place and the reason; exit status 2, and nothing on
# standard output. For each format the ways in which it can be wrong; test_corpora cuts and garbles at every byte.
# PPROF names another than profiler/pprof, which is made here.
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
export HOME="$dir" TZ=UTC
build=${BUILD:-.build} pprof=${PPROF:-profiler/pprof}
[ "${PPROF:-}" ] || make -s profiler/pprof "$build/tests/make_profile" || exit 2
failed=0 checked=0 limit=''

# said WHAT: notes a failure, with what was said.
said() {
    failed=$((failed + 1))
    echo "fails: $1"
    head -c 300 "$dir/err"
}

# refuse PLACE REASON FILE: as patterns of the shell, place as in "line 3" or "offset 12".
refuse() {
    # shellcheck disable=SC2086 # nothing, or a command
    $limit "$pprof" -top "$3" >"$dir/out" 2>"$dir/err" </dev/null
    one_line "$3" "pprof: $3: $1: *$2*" "pprof: $3: not a profile: $1: *$2*"
}

# one_line WHAT PATTERN OTHER: what every refusal is, after it.
one_line() {
    status=$?
    checked=$((checked + 1))
    more=''
    {
        IFS= read -r line
        IFS= read -r more
    } <"$dir/err"
    [ $status -eq 2 ] || said "$1: exit status $status"
    [ ! -s "$dir/out" ] || said "$1: standard output"
    [ -z "$more" ] || said "$1: more than a line"
    # shellcheck disable=SC2254 # patterns they are
    case $line in
    $2 | $3) ;;
    *) said "$1: wanted $2" ;;
    esac
}

# wrong NAME PLACE REASON TEXT: the text as printf has it.
wrong() {
    # shellcheck disable=SC2059 # octal bytes and lines are the point
    printf -- "$4" >"$dir/$1"
    refuse "$2" "$3" "$dir/$1"
}

# profile.proto: string table "" "a", and then
s='\062\000\062\001a'
wrong empty 'offset 0' 'is empty' ''
wrong text 'offset 1' 'only 29 follow' 'just some text, and no profile\n'
wrong no_strings 'offset 2' 'no string table' '\110\001'
wrong first_string 'offset 0' 'string 0 is not empty' '\062\001a'
wrong cut_field 'offset 6' 'only 1 follow' "$s"'\012\004\010'
wrong cut_number 'offset 8' 'cut off' "$s"'\012\002\010\201'
wrong long_number 'offset 6' 'longer than ten bytes' "$s"'\110\377\377\377\377\377\377\377\377\377\377\377'
wrong wire_type 'offset 5' 'unknown wire type' "$s"'\017'
wrong string_number 'offset 7' 'string 9 of a table of 2' "$s"'\012\002\010\011'
wrong no_message 'offset 5' 'is no message' "$s"'\010\001'
wrong count_of_values 'offset 9' '2 values in a profile of 1' "$s"'\012\002\010\001\022\004\022\002\001\002'
wrong no_types 'offset 5' 'without values' "$s"'\022\000'
wrong location 'offset 11' 'location 7, which there is not' "$s"'\012\002\010\001\022\006\012\001\007\022\001\001'
wrong function 'offset 9' 'function 3, which there is not' "$s"'\042\006\010\001\042\002\010\003'
wrong id_0 'offset 5' 'reserved id 0' "$s"'\032\000'
wrong id_twice 'offset 9' 'second mapping with the id 1' "$s"'\032\002\010\001\032\002\010\001'
wrong two_profiles 'offset 7' 'several profiles' "$s"'\110\001\110\001'
wrong gzip_garbage 'offset 1[0-9]' 'damaged' '\037\213\010\000\000\000\000\000\000\003garbage garbage'
wrong gzip_cut 'offset 10' 'ends early' '\037\213\010\000\000\000\000\000\000\003'
wrong gzip_magic 'offset 2' 'ends early' '\037\213'

# The texts before it.
map='--- Memory map: ---\n'
wrong heap_totals 'line 1' 'totals' 'heap profile: 1: x [1: 2] @ heap/1\n'
wrong heap_kind 'line 1' 'unknown kind' 'heap profile: 1: 2 [1: 2] @ heap_v9/1\n'
wrong heap_rate 'line 1' '64 bits' 'heap profile: 1: 2 [1: 2] @ heap_v2/99999999999999999999\n'
wrong heap_sample 'line 2' 'expected "objects: bytes' 'heap profile: 1: 2 [1: 2] @ heap_v2/1\nnonsense\n'
wrong heap_bytes 'line 2' 'bytes of no objects' 'heap profile: 1: 2 [1: 2] @ heap_v2/1\n0: 2 [0: 2] @ 0x1\n'
wrong heap_address 'line 2' '64 bits' 'heap profile: 1: 2 [1: 2] @ heap_v2/1\n1: 2 [1: 2] @ 0x11112222333344445\n'
wrong growth_sample 'line 3' 'expected' 'heap profile: 1: 2 [1: 2] @ growthz\n1: 2 [1: 2] @ 0x1\n1: 2 [1: 2]\n'
wrong contention_attribute 'line 2' 'unknown attribute' '--- contentionz 1 ---\ncolour = blue\n'
wrong contention_number 'line 2' 'no number' '--- contentionz 1 ---\nsampling period = x\n'
wrong contention_sample 'line 3' 'expected "cycles' '--- mutex:\nsampling period = 1\n5 @ 0x1\n'
wrong goroutine_count 'line 2' 'expected "count' 'goroutine profile: total 1\nx @ 0x1\n'
wrong goroutine_overflow 'line 2' 'expected "count' 'goroutine profile: total 1\n99999999999999999999 @ 0x1\n'
wrong goroutine_address 'line 2' '64 bits' 'goroutine profile: total 1\n1 @ 0x11112222333344445\n'
wrong threads_cut 'line 3' 'ends before the memory map' '--- threadz 1 ---\n\n--- Thread 7f (name: a/1) stack: ---\n'
wrong threads_nonsense 'line 3' 'expected the stack' '--- threadz 1 ---\n\n--- Threat ---\n  0x1\n'
wrong threads_address 'line 4' '64 bits' '--- threadz 1 ---\n\n--- Thread 7f (name: a/1) stack: ---\n 0x11112222333344445\n'
wrong java_format 'line 2' 'other than java' '--- heapz 1 ---\nformat = lisp\n'
wrong java_resolution 'line 3' 'before the resolution' '--- heapz 1 ---\nformat = java\n 1 1 @ 0x1\n'
wrong java_zero 'line 4' 'no objects' '--- heapz 1 ---\nformat = java\nresolution = bytes\n 1 0 @ 0x1\n'
wrong java_empty 'line 3' 'no sample' '--- heapz 1 ---\nformat = java\nresolution = bytes\n'
wrong java_address 'line 4' '64 bits' '--- heapz 1 ---\nformat = java\nresolution = bytes\n 1 1 @ 0x11112222333344445\n'
i=0
while [ $i -lt 1001 ]; do
    echo "v$i=x"
    i=$((i + 1))
done >"$dir/variables"
wrong map_variables 'line 1004' 'more than 1000 names' "goroutine profile: total 1\n1 @ 0x1\n$map$(sed 's/%/%%/' "$dir/variables")\n"
wrong map_line 'line 6' '8192 bytes' "goroutine profile: total 1\n1 @ 0x1\n${map}a=$(printf '%04000d' 1)\nb=\$a\$a\nc=\$b\$b\n"

# gperftools' CPU profiles: words of 4 bytes.
h='\000\000\000\000\003\000\000\000\000\000\000\000\020\047\000\000\000\000\000\000'
wrong cpu_cut 'offset 24' 'ends within a sample' "$h"'\001\000\000\000'
wrong cpu_depth 'offset 28' 'longer than what is left' "$h"'\001\000\000\000\377\377\000\000\001\000\000\000'

# jemalloc's dumps and perf's text.
wrong jemalloc_rate 'line 1' 'sampling rate' 'heap_v2/x\n'
wrong jemalloc_counts 'line 2' 'expected "t[*]' 'heap_v2/1\nnonsense\n'
wrong jemalloc_address 'line 2' 'addresses after the @' 'heap_v2/1\n@ nowhere\n'
wrong jemalloc_wide 'line 2' '64 bits' 'heap_v2/1\n@ 0x11112222333344445\n'
wrong jemalloc_twice 'line 3' 'counts*of the stack before' 'heap_v2/1\n@ 0x1\n@ 0x2\n'
wrong jemalloc_bytes 'line 3' 'bytes of no objects' 'heap_v2/1\n@ 0x1\n  t*: 0: 5 [0: 5]\n'
wrong jemalloc_no_stack 'line 4' 'without a stack' 'heap_v2/1\n@ 0x1\n  t*: 1: 5 [0: 0]\n  t*: 1: 5 [0: 0]\n'
wrong jemalloc_no_map 'line 3' 'before its memory map' 'heap_v2/1\n@ 0x1\n  t*: 1: 5 [0: 0]\n'
wrong jemalloc_cut 'line 5' 'ends within this line' 'heap_v2/1\n@ 0x1\n  t*: 1: 5 [0: 0]\nMAPPED_LIBRARIES:\n40000-5'
wrong perf_frame 'line 3' 'expected a sample' 'a 1 1.0: 7 cycles: \n\t 401136 f (/a)\nnonsense\n\n'
wrong perf_cut 'line 3' 'ends within' 'a 1 1.0: 7 cycles: \n\t 401136 f (/a)\n\t 401'

# Bombs, of 64 MB of zeros in one piece and in many: known before they have grown, so that 64 MB hold all of pprof.
# The address sanitizer, whose shadow is terabytes, is told to refuse pieces of which two would hold a bomb.
limit='prlimit --as=67108864'
[ -z "${ASAN_OPTIONS:-}" ] || limit="env ASAN_OPTIONS=$ASAN_OPTIONS:max_allocation_size_mb=40"
head -c 67108864 /dev/zero | gzip -9 >"$dir/bomb"
refuse 'offset [1-9]*' '256 times its size' "$dir/bomb"
head -c 1048576 /dev/zero | gzip -9 >"$dir/member"
while [ "$(wc -c <"$dir/member")" -lt 65536 ]; do
    cat "$dir/member" "$dir/member" "$dir/member" "$dir/member" >"$dir/members"
    mv "$dir/members" "$dir/member"
done
refuse 'offset [1-9]*' '256 times its size' "$dir/member"

limit=''

# A saved triage folder, of whose files none is whole; of which one is, the others are named in what is shown.
mkdir "$dir/triage"
refuse_triage() {
    "$pprof" -triage "$dir/triage" >"$dir/out" 2>"$dir/err" </dev/null
    one_line -triage "pprof: $dir/triage$1*"
}
refuse_triage ': no cpu.pb.gz'
printf 'nonsense' >"$dir/triage/cpu.pb.gz"
refuse_triage '/cpu.pb.gz: not a profile: offset 0: '
printf '\000\001source\nseconds 99999999999999999999\nmissing\nmissing x\n%0500d' 1 >"$dir/triage/about.txt"
refuse_triage '/cpu.pb.gz: not a profile: offset 0: '
"$build/tests/make_profile" gateway >"$dir/triage/heap.pb.gz" || exit 1
"$pprof" -triage "$dir/triage" >"$dir/out" 2>"$dir/err" </dev/null || said 'a folder with one good profile'
tr -s '\n ' ' ' <"$dir/out" | grep -q 'cpu not there: .* offset 0: ' || said 'a folder with one good profile: why there is no CPU profile'

[ $failed -eq 0 ] || exit 1
echo "$checked malformed files, each told in a line"
