#!/bin/sh
# make doctor: whether this machine can do what the lessons ask of it, a line for each thing, with the remedy. It
# only looks; nothing is installed or changed.
#   ok    fine
#   note  works, but something is less than it could be, or taken
#   FAIL  needed, and missing: exit 1
. "$(dirname "$0")/common.sh"
root=${DOCTOR_ROOT-} # of /proc and /sys, for tests
failures=0

say() { # say ok|note|FAIL WHAT TEXT [REMEDY]
    printf '%-5s %-12s %s\n' "$1" "$2" "$3"
    [ -z "${4-}" ] || printf '                   -> %s\n' "$4"
    [ "$1" != FAIL ] || failures=$((failures + 1))
}
number_in() { # number_in FILE OTHERWISE: "max" and what is not there is as good as OTHERWISE
    value=$(cat "$root$1" 2>/dev/null)
    case $value in
    '' | *[!0-9-]*) echo "$2" ;;
    *) echo "$value" ;;
    esac
}
have() {
    command -v "$1" >/dev/null 2>&1
}
plenty=1000000000

# ---- the folder ----
case $PWD in
*[[:space:]]*) say FAIL folder "'$PWD' has a space in it, which make cannot take" "move the clone to a path without" ;;
*) if [ -w . ]; then say ok folder "$PWD"; else say FAIL folder "$PWD cannot be written to" "clone it to where you may write"; fi ;;
esac

# ---- packages, and a compiler that counts ----
list=$(exercises/engine/setup.sh -l)
missing=$(echo "$list" | sed -n 's/^missing \([^ ]*\).*/\1/p' | tr '\n' ' ')
if [ -z "$missing" ]; then
    say ok packages "all $(echo "$list" | wc -l) are there"
else
    for package in $missing; do
        say FAIL packages "$package is missing: $(echo "$list" | sed -n "s/^missing $package //p")"
    done
    printf '                   -> apt-get install -y --no-install-recommends %s(as root; make lesson1 does it, too)\n' "$missing"
fi
cc=${CC:-gcc}
if ! have "$cc"; then
    say FAIL compiler "there is no $cc" "apt-get install gcc"
elif echo 'int f(int a) { return a ? 1 : 2; }' |
    "$cc" -std=gnu11 -fsanitize-coverage=trace-pc -O2 -fPIC -x c -c - -o /dev/null 2>/dev/null; then
    say ok compiler "$("$cc" --version 2>/dev/null | head -n 1)"
else
    say FAIL compiler "$cc does not know -fsanitize-coverage=trace-pc, by which the checks count" "use gcc 9 or later: make CC=gcc"
fi

# ---- what the servers need ----
listening() { # listening PORT: something is bound to it
    hex=$(printf ':%04X' "$1")
    cat "$root/proc/net/tcp" "$root/proc/net/tcp6" 2>/dev/null |
        awk -v port="$hex" '$4 == "0A" && substr($2, length($2) - 4) == port { found = 1 } END { exit !found }'
}
for pair in '8080 --port the servers' '6060 --debug their profiles'; do
    port=${pair%% *} rest=${pair#* }
    if listening "$port"; then
        say note "port $port" "taken, where ${rest#* } would be" "end what listens there, or start with ${rest%% *} and another"
    else
        say ok "port $port" "free, for ${rest#* }"
    fi
done

taken='' port=7071
while [ "$port" -le 7080 ]; do
    ! listening "$port" || taken="$taken $port"
    port=$((port + 1))
done
if [ -z "$taken" ]; then
    say ok fleet "ports 7071 to 7080 are free, for lesson 8's fleet"
else
    say note fleet "lesson 8's fleet wants 7071 to 7080, and taken is:$taken" "exercises/lesson8/fleet/start.sh --port and another"
fi

# Lesson 6 has the most: some 3,000 connections when it is worst, a thread and two descriptors each.
# ulimit knows some limits only in some shells; the kernel knows all of them.
limit() { # limit NAME COLUMN
    awk -v name="^$1" -v column="$2" '$0 ~ name { print $column }' "$root/proc/self/limits" 2>/dev/null | grep -x "[0-9]*"
}
enough() { # enough WHAT NUMBER WANTED NEEDED TEXT REMEDY
    if [ "$2" -ge "$3" ]; then
        say ok "$1" "$2 $5"
    else
        level=note
        [ "$2" -ge "$4" ] || level=FAIL
        say "$level" "$1" "only $2 $5: lesson 6 wants $3" "$6"
    fi
}
descriptors=$(limit "Max open files" 5 || echo $plenty)
enough descriptors "$descriptors" 8192 512 "may be open at once" \
    "raise 'nofile' in /etc/security/limits.conf and log in again; in a container: docker run --ulimit nofile=65536"

threads=$plenty by=nothing
least() { # least NUMBER NAME
    [ "$1" -ge "$threads" ] || { threads=$1 by=$2; }
}
[ "$(id -u)" -eq 0 ] || least "$(limit 'Max processes' 3 || echo $plenty)" 'ulimit -u' # the kernel does not hold root to it
least "$(number_in /proc/sys/kernel/threads-max $plenty)" kernel.threads-max
least "$(number_in /proc/sys/kernel/pid_max $plenty)" kernel.pid_max
group=$(sed -n 's/^0:://p' "$root/proc/self/cgroup" 2>/dev/null)
least "$(number_in "/sys/fs/cgroup${group%/}/pids.max" $plenty)" "the cgroup's pids.max"
enough threads "$threads" 4500 256 "may run at once ($by)" \
    "raise it: 'nproc' in /etc/security/limits.conf, sysctl -w, or docker run --pids-limit=-1"
cores=$(nproc 2>/dev/null || echo 1)
if [ "$cores" -ge 2 ]; then
    say ok cores "$cores"
else
    say note cores "one: the bands on the pages were measured on two" "expect the same order of things, and other numbers"
fi

# ---- what makes the profiles better ----
if [ -n "$(find "$root/usr/lib/debug" -name '*.debug' 2>/dev/null | head -n 1)" ]; then
    say ok libc6-dbg "the C library's own functions have names and lines"
else
    say note libc6-dbg "not there: frames inside the C library may lack names and lines" "apt-get install libc6-dbg"
fi
paranoid=$(number_in /proc/sys/kernel/perf_event_paranoid 4)
if [ "$(id -u)" -eq 0 ] || [ "$paranoid" -le 2 ]; then
    say ok perf "allowed: CPU profiles above the kernel's tick (hz=1000) are exact"
else
    say note perf "not allowed (kernel.perf_event_paranoid is $paranoid): CPU profiles have as many samples as the tick allows" \
        "sysctl -w kernel.perf_event_paranoid=2; no lesson needs it"
fi
if have dot; then
    say ok graphviz "pprof -web can draw the call graph"
else
    say note graphviz "not there: pprof -web draws the call graph with it" "apt-get install graphviz"
fi
if have gdb; then
    say ok gdb "a check that crashed can be run again in it"
else
    say note gdb "not there: what a check that crashed asks you to look with" "apt-get install gdb"
fi

if [ "$failures" -gt 0 ]; then
    echo "doctor: $failures thing(s) to mend before the lessons work here"
    exit 1
fi
echo "doctor: the lessons work here"
