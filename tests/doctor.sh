#!/bin/sh
# make doctor on machines that are not this one: each with a /proc and /sys of its own, and with fewer commands.
top=$(cd "$(dirname "$0")/.." && pwd) || exit 2
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
failed=0

doctor() { # doctor WHAT CODE PATTERN…: on the machine in $dir/root, with the commands of $path
    what=$1 expected=$2
    shift 2
    DOCTOR_ROOT=$dir/root PATH=$path "$top/exercises/engine/doctor.sh" >"$dir/out" 2>&1
    code=$?
    [ "$code" -eq "$expected" ] || { echo "doctor: $what: exit $code, expected $expected" && failed=1; }
    for pattern in "$@"; do
        grep -q -- "$pattern" "$dir/out" || { echo "doctor: $what: no line with '$pattern'" && failed=1; }
    done
    [ "$failed" -eq 0 ] || sed 's/^/    /' "$dir/out"
}
machine() { # machine DESCRIPTORS PIDS PARANOID LISTENING…: the ports in hex
    rm -rf "$dir/root"
    mkdir -p "$dir/root/proc/net" "$dir/root/proc/self" "$dir/root/proc/sys/kernel" "$dir/root/usr/lib/debug/.build-id" \
        "$dir/root/sys/fs/cgroup/box"
    printf 'Max processes   %s   %s   processes\nMax open files   %s   %s   files\n' 30000 30000 1024 "$1" >"$dir/root/proc/self/limits"
    echo max >"$dir/root/proc/sys/kernel/threads-max"
    echo 32768 >"$dir/root/proc/sys/kernel/pid_max"
    echo 0::/box >"$dir/root/proc/self/cgroup"
    echo "$2" >"$dir/root/sys/fs/cgroup/box/pids.max"
    echo "$3" >"$dir/root/proc/sys/kernel/perf_event_paranoid"
    : >"$dir/root/usr/lib/debug/.build-id/0.debug"
    shift 3
    for port in "$@"; do
        echo "   0: 0100007F:$port 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1"
    done >"$dir/root/proc/net/tcp"
}
path=$PATH

machine 20000 max 2 1F91
doctor healthy 0 '^ok .*packages .*all [0-9]* are there' '^ok .*compiler .*gcc' '^ok .*port 8080' '^ok .*port 6060' '^ok .*fleet .*7071 to 7080' '^ok .*descriptors .*20000' \
    '^ok .*threads .*3[02]' '^ok .*libc6-dbg' '^ok .*perf' 'the lessons work here'

# Less than it could be: said, with the remedy, and no failure.
machine 4096 1000 2 1F90 17AC 1BA3
rm "$dir/root/usr/lib/debug/.build-id/0.debug"
doctor weak 0 '^note .*port 8080 .*taken' '-> .*--port' '^note .*port 6060 .*taken' '-> .*--debug' '^note .*fleet .*taken is: 7075$' '-> .*--port' '^note .*descriptors .*only 4096' '-> .*nofile' \
    "^note .*threads .*only 1000 .*the cgroup's pids.max" '-> .*pids-limit' '^note .*libc6-dbg' '-> apt-get install libc6-dbg'

# Too little to work.
machine 100 64 2
doctor 'hopeless limits' 1 '^FAIL .*descriptors .*only 100' '^FAIL .*threads .*only 64' 'doctor: 2 thing'

# Without a compiler and its packages.
machine 20000 max 4
path=$dir/bin
mkdir "$path"
for command in sh dirname id awk sed grep cat cut tr wc find head nproc env; do
    ln -s "$(command -v "$command")" "$path/$command"
done
rm "$path/id"
printf '#!/bin/sh\necho 1000\n' >"$path/id"
chmod +x "$path/id"
doctor bare 1 '^FAIL .*packages .*gcc is missing' '^FAIL .*packages .*libdw-dev is missing' '-> apt-get install -y .* gcc .*libdw-dev' \
    '^FAIL .*compiler .*there is no gcc' '^note .*perf .*paranoid is 4' '-> sysctl'

[ "$failed" -eq 0 ] && echo "doctor: all as it should be"
exit "$failed"
