#!/bin/sh
# Takes your diagnosis of the case, profile, function and reason, and holds it against what is true of the server and
# against the profiles that you have saved. The fix is checked once it is right.
#
#   exercises/lesson9/quiz.sh [FOLDER]     the newest run of the flawed server, unless told otherwise
# shellcheck source=exercises/engine/common.sh
. "$(dirname "$0")/../engine/common.sh"
lesson_load 9
# shellcheck source=exercises/engine/asking.sh
. exercises/engine/asking.sh
case_seed=$("$work/case.sh" seed)
first_rows=3

of_this_case() { # of_this_case FOLDER
    case $(cat "$1/case.txt" 2>/dev/null) in
    "$case_seed flawed" | "$case_seed running") ;;
    *) return 1 ;;
    esac
}

truth() {
    "$work/case.sh" truth "$case_seed" "$1"
}
is_one_of() { # is_one_of WORD LIST, of words with spaces or commas between them
    [ -n "$1" ] || return 1
    case " $(echo "$2" | tr ',' ' ') " in
    *" $1 "*) ;;
    *) return 1 ;;
    esac
}

# For somebody who is wrong about why: what would be there to see if it were so.
would_show() {
    case $1 in
    quadratic) echo "then a job with twice the words would take four times the processor: cpu, and -list its lines" ;;
    busy-waiting) echo "then a processor would be busy without a single request: cpu, with no load" ;;
    never-freed) echo "then it would still be alive when the load has ended, and the last job with it: inuse, afterwards" ;;
    unbounded-queue) echo "then it would become less when the load has ended, slowly: inuse, now and later" ;;
    allocation-churn) echo "then alloc would be full of it, and inuse hardly know it" ;;
    work-under-lock) echo "then the one who holds the lock would be running: threads.txt, \"held by\"; and cpu would know it" ;;
    io-under-lock) echo "then the one who holds the lock would be waiting for a partner: threads.txt, \"held by\"" ;;
    writer-starves) echo "then somebody would wait to write, and for long: threads.txt, \"rwlock\"" ;;
    threads-never-end) echo "then there would be more threads with each look, of one stack" ;;
    wakes-everybody) echo "then one job would end many waits: wakeups, divided by the jobs in a second" ;;
    deadlock) echo "then some jobs would never be answered" ;;
    *) echo "then nobody but the partner would have to change anything, and no function of incident.c be out of proportion" ;;
    esac
}

# judge PROFILE FUNCTION REASON: what is not right about it, in a line; nothing if all is
judge() {
    if [ -z "$(report "$1" "$folder")" ]; then
        echo "No profile is called '$1'. They are: cpu inuse alloc threads mutex block wakeups."
        return
    fi
    look="./profiler/pprof -top -show=incident.c $(report "$1" "$folder")"
    rows=$(functions_of "$1" "$folder" | head -n $first_rows | tr '\n' ' ')
    if ! is_one_of "$2" "$rows" && ! { is_one_of "$1" "$(truth profiles)" && is_one_of "$2" "$(truth functions)"; }; then
        echo "In your $1 profile, '$2' is none of the first $first_rows: ${rows:-there are no functions of incident.c in it}. Look: $look"
    elif ! is_one_of "$2" "$(truth functions)"; then
        echo "'$2' has its place in your $1 profile, and would have it if all were well: it is no more than its work. Which vital sign is off?"
    elif ! is_one_of "$1" "$(truth profiles)"; then
        echo "'$2' is there, but the $1 profile does not show what is wrong with it. Which vital sign is off, and which profile is that?"
    elif [ -z "$(sed -n "s/^$3 .*/x/p" "$work/reasons.txt")" ]; then
        echo "'$3' is none of the reasons."
    elif [ "$3" != "$(truth reason)" ]; then
        echo "'$2' in the $1 profile, yes; but if it were $3, $(would_show "$3")."
    fi
}

question() { # question TEXT: sets reply; the end of the input is an empty one
    printf '\n%s\n   > ' "$1"
    read -r reply || reply=''
    reply=$(printf '%s' "$reply" | sed 's/^[ \t]*//; s/[ \t(].*//' | tr -cd 'A-Za-z0-9_-')
}

quiz_begin "${1-}" of_this_case cpu.pb.gz heap.pb.gz threads.pb.gz mutex.pb.gz block.pb.gz case.txt
of_this_case "$folder" ||
    die "$folder is not of the flawed server of case $case_seed: $work/run.sh --build flawed"

question '1. Which profile shows it: cpu, inuse, alloc, threads, mutex, block, or wakeups?'
profile=$reply
question '2. In which function of incident.c, one of the first three that this profile names?'
function=$reply
echo
sed 's/^/     /' "$work/reasons.txt"
question '3. And why? One of these:'
reason=$reply

wrong=$(judge "$profile" "$function" "$reason")
attempts=$(state_get attempts)
attempts=$((${attempts:-0} + 1))
state_set attempts $attempts
right=1
if [ -n "$wrong" ]; then
    right=0
    printf '\nNo. %s\n' "$wrong"
else
    state_set diagnosis "$case_seed"
    state_set quiz "right at attempt $attempts"
    printf '\nThat is it: %s, in %s. Now the fix: %s/incident.c, and make check9.\n' "$reason" "$function" "$work"
fi

cat <<'END'

From lesson 7: neither. Memory that grows is an answer to "what is kept", and processors that are busy are one to "what
is done". Only both over the same seconds say what the one buys of the other, and here the same holds for all seven.
END
printf '\n%d of 1 right\n' $right
[ $right -eq 1 ]
