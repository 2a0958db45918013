#!/bin/sh
# Each target under libFuzzer with the address and undefined-behaviour sanitizers, one a processor at a time:
#
#   run.sh SECONDS TARGET...
#
# Starts from what is kept below tests/fuzz/TARGET and goes on from what earlier runs found, in .build/fuzz/corpus.
# An input that breaks something is left in .build/fuzz/found; cut small, it belongs below tests/fuzz/TARGET, where
# test_corpora has it run at every `make check`. Exit: 0, also when there is no clang; 1 when something broke.
seconds=$1 fuzz=.build/fuzz
shift

# one TARGET: a line, and more where something broke.
one() {
    target=$1
    mkdir -p "$fuzz/corpus/$target" "$fuzz/found/$target"
    log=$fuzz/$target.log
    dictionary=''
    [ ! -e "tests/fuzz/$target.dict" ] || dictionary=-dict=tests/fuzz/$target.dict
    TZ=UTC ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1 "$fuzz/tests/fuzz/$target" \
        -max_total_time="$seconds" -timeout=30 -rss_limit_mb=2048 -max_len=8192 -print_final_stats=1 \
        -close_fd_mask=3 -artifact_prefix="$fuzz/found/$target/" ${dictionary:+"$dictionary"} \
        "$fuzz/corpus/$target" "tests/fuzz/$target" >"$log" 2>&1
    code=$?
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    covered=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
    if [ $code -eq 0 ]; then
        echo "ok    $target: ${runs:-0} inputs in $seconds s, ${covered:-0} edges"
    else
        echo "FAIL  $target (exit $code), see $log"
        grep -m 4 -B 1 -e 'ERROR:' -e 'runtime error' -e 'Test unit written' -e '^SUMMARY' "$log" | sed 's/^/      /'
    fi
    return "$code"
}

# One target, for xargs below.
if [ "$seconds" = --one ]; then
    seconds=$1
    one "$2"
    exit
fi
if ! command -v clang >/dev/null 2>&1; then
    echo 'fuzz: skipped, no clang (Debian package clang)'
    exit 0
fi
if ! echo 'int LLVMFuzzerTestOneInput(void) { return 0; }' | clang -fsanitize=fuzzer -x c - -o /dev/null 2>/dev/null; then
    echo 'fuzz: skipped, this clang has no libFuzzer (Debian package libclang-rt-14-dev)'
    exit 0
fi
make fuzzers FUZZ="$*" || exit 1

printf '%s\n' "$@" | xargs -P "$(nproc)" -I TARGET "$0" --one "$seconds" TARGET || exit 1
