#!/bin/sh
# Our pprof prints what Go's prints, byte for byte but for the lines "Time:" and "Doc:": on a profile like a
# gateway's and on random ones, for reports of every kind and options that decide what is in them.
if ! command -v go >/dev/null 2>&1; then
    echo "go is not installed: nothing to compare with"
    exit 77
fi
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
build=${BUILD:-.build}
export HOME="$dir" TZ=UTC PPROF_BINARY_PATH=/nonexistent
failed=0 compared=0

same() { # same PROFILE FLAGS...
    input=$1
    shift
    go tool pprof -symbolize=none "$@" "$input" 2>/dev/null | sed '/^Time: /d; /^Doc: /d' >"$dir/want"
    "${PPROF:-profiler/pprof}" -symbolize=none "$@" "$input" 2>/dev/null | sed '/^Time: /d; /^Doc: /d' >"$dir/got"
    compared=$((compared + 1))
    if ! cmp -s "$dir/want" "$dir/got" || ! [ -s "$dir/want" ]; then
        failed=$((failed + 1))
        echo "differs: pprof $* $(basename "$input")"
        diff "$dir/want" "$dir/got" | head -10
    fi
}

for kind in gateway 1 2 3; do
    "$build/tests/make_profile" "$kind" >"$dir/$kind.pb.gz" || exit 1
done
for kind in gateway 1 2; do
    file=$dir/$kind.pb.gz
    same "$file" -top
    same "$file" -tree
    same "$file" -peek='cache|json'
    same "$file" -traces -lines "$file" # twice, so that Go, too, merges stacks that came twice
    same "$file" -text -lines -cum -nodecount=12
done
file=$dir/3.pb.gz
same "$file" -top -files -nodefraction=0.02
same "$file" -top -filefunctions -noinlines
same "$file" -top -addresses -nodecount=20
same "$file" -top -focus=cache -ignore=evict -unit=ms
same "$file" -top -hide=json -show_from=serve -relative_percentages
same "$file" -top -tagfocus=1kb:64kb -sample_index=samples
same "$file" -top -tagroot=route -divide_by=3
same "$file" -callgrind
same "$dir/gateway.pb.gz" -callgrind -call_tree -sample_index=samples
same "$file" -tree -mean -edgefraction=0.05 -nodecount=5
same "$file" -top -diff_base="$dir/2.pb.gz"
same "$file" -tree -base="$dir/2.pb.gz" -normalize
same "$file" -top -drop_negative -base="$dir/1.pb.gz"
[ "$failed" -eq 0 ] && echo "$compared reports are the same"
[ "$failed" -eq 0 ]
