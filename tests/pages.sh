#!/bin/sh
# The lessons' pages, followed word for word by somebody who knows nothing else: every indented line is a command, run
# from the top folder in a copy of the tree. All work as printed, take 90 s together at most, which is not judged on a busy
# machine, and a page has 1,200 words at most.
#
#   pages.sh [N…]      all lessons unless told otherwise; it needs the ports 8080 and 6060
#
# A server, and the load, run beside what comes next; run.sh --build wants both ended, as the pages say. make checkN and
# a quiz are to answer, not to be green: nobody has repaired anything.
# shellcheck source=tests/tree_common.sh
. "$(dirname "$0")/tree_common.sh"
dir=$(mktemp -d) || exit 2
server='' load=''
# shellcheck disable=SC2086 # process ids, or nothing
trap 'kill $server $load 2>/dev/null; rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM
copy_tree "$dir/tree"
if ! exercises/engine/doctor.sh | grep -q '^ok .*port 8080' || ! exercises/engine/doctor.sh | grep -q '^ok .*port 6060'; then
    echo "port 8080 or 6060 is taken"
    exit 77
fi
words_most=1200 seconds_most=90 failed=0

fail() {
    echo "pages: lesson $number: $*"
    tail -n 20 "$dir/out" | sed 's/^/    /'
    failed=1
}
end_both() {
    for pid in $load $server; do
        kill -INT "$pid" 2>/dev/null
        wait "$pid"
    done
    server='' load=''
}
commands() { # commands PAGE: its indented lines, fenced ones apart, without the comments at their ends
    awk '/^```/ { fenced = !fenced } !fenced && /^    [^ ]/ { sub(/^    /, ""); sub(/  +#.*/, ""); print }' "$1"
}
start_server() { # start_server COMMAND
    end_both
    sh -c "exec $1" >"$dir/out" 2>&1 &
    server=$!
    tries=0
    until grep -q '^[a-z]*: http://' "$dir/out"; do
        tries=$((tries + 1))
        if [ "$tries" -gt 100 ] || ! kill -0 "$server" 2>/dev/null; then
            fail "'$1' does not serve"
            return
        fi
        sleep 0.1
    done
}

# follow COMMAND: a line of the page
follow() {
    case $1 in
    "./demos/load"*)
        sh -c "exec $1" >"$dir/load" 2>&1 &
        load=$!
        sleep 5 # until there is something to see
        return
        ;;
    "./demos/"*)
        start_server "$1"
        return
        ;;
    *run.sh*--build*) end_both ;;
    esac
    yes main | head -n 20 >"$dir/answers"
    eval "$1" >"$dir/out" 2>&1 <"$dir/answers"
    code=$?
    case $1 in
    *"make check"[0-9]*) grep -q '^[0-9]* passed, [0-9]* failed$' "$dir/out" || fail "'$1' gives no verdicts" ;;
    *quiz.sh*) grep -q '^[0-9] of [0-9] right$' "$dir/out" || fail "'$1' does not come to its end" ;;
    diff*) [ "$code" -le 1 ] || fail "'$1': exit $code" ;;
    *) [ "$code" -eq 0 ] || fail "'$1': exit $code" ;;
    esac
    ! grep -q 'No such file\|not found' "$dir/out" || fail "'$1' misses something"
}

# shellcheck disable=SC2046 # a list of numbers
[ $# -gt 0 ] || set -- $(for lesson in lessons/lesson*; do echo "${lesson##*lesson}"; done)
export WATCH_CHECKS=1
for number in "$@"; do
    page=lessons/lesson$number/README.md
    words=$(wc -w <"$page")
    : >"$dir/out"
    [ "$words" -le "$words_most" ] || fail "$words words, $words_most at most"
    commands "$page" >"$dir/commands"
    [ -s "$dir/commands" ] || fail "the page has no commands"
    busy=$(cut -d. -f1 /proc/loadavg)
    began=$(date +%s)
    while read -r command <&3; do
        follow "$command"
    done 3<"$dir/commands"
    seconds=$(($(date +%s) - began))
    end_both
    if [ "$seconds" -gt "$seconds_most" ]; then
        : >"$dir/out"
        [ "$busy" -ge "$(nproc)" ] || fail "its commands take $seconds s, $seconds_most at most"
        echo "lesson $number: beside other programs (load $busy), its commands took too long"
    fi
    echo "lesson $number: $words words, $(wc -l <"$dir/commands") commands in $seconds s"
done
exit "$failed"
