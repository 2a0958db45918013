#!/bin/sh
# The Debian packages in a system of their own, of debootstrap's making: they install there, a program is profiled that was
# preloaded, and another one each in C and C++ that was compiled through pkg-config; and nothing is left of them afterwards.
# Takes minutes, root, and a mirror of Debian's: the one that apt has here. Not in any make check.
top=$PWD
skip() {
    echo "deb_chroot: skipped: $*"
    exit 77
}
fail() {
    echo "deb_chroot: $*" >&2
    exit 1
}
[ "$(id -u)" = 0 ] || skip "only root can make a system of its own"
for need in debootstrap:debootstrap dh:debhelper dpkg-buildpackage:dpkg-dev; do
    command -v "${need%:*}" >/dev/null || skip "${need%:*} is not installed (package ${need#*:})"
done
release=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
# shellcheck disable=SC2016 # apt's own variables
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' "Codename: $release" | head -n 1)
[ -n "$mirror" ] || skip "apt knows no mirror of $release"

work=$(mktemp -d) || exit 2
root=$work/root
trap 'umount -l "$root/proc" 2>/dev/null; rm -rf --one-file-system "$work"' EXIT
trap 'exit 130' INT TERM

step() {
    printf '== %s\n' "$*"
}

# inside COMMAND...: in the new system, with an environment of its own.
inside() {
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/work DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 chroot "$root" "$@"
}

# quietly WHAT COMMAND...: all it said only if it failed.
quietly() {
    what=$1
    shift
    "$@" >"$work/log" 2>&1 </dev/null || {
        tail -n 20 "$work/log" >&2
        fail "$what"
    }
}

# Every file of the system, but for what apt and dpkg keep of their own.
files() {
    (cd "$root" && find . -xdev \( -path ./proc -o -path ./work -o -path ./tmp \) -prune -o -print | LC_ALL=C sort \
        | grep -vE '^\./var/(lib/(dpkg|apt)|log|cache)(/|$)|^\./run/')
}

# ---- build, and a system ----------------------------------------------------------------------------------

step 'make deb'
quietly 'make deb' make deb
ls .build/deb/*.deb
step "debootstrap $release"
quietly 'debootstrap' debootstrap --variant=minbase "$release" "$root" "$mirror"
cp /etc/resolv.conf /etc/hosts "$root/etc/" 2>/dev/null
mount -t proc proc "$root/proc" || skip "there may be no mounts here"
mkdir "$root/work"
cp tests/outside.cc "$root/work/"
for deb in .build/deb/*.deb; do
    [ "${deb%-dbgsym_*}" != "$deb" ] || cp "$deb" "$root/work/"
done
awk '/^    #include <cprof.h>/ { on = 1 } on { sub(/^    /, ""); print } on && /^}/ { exit }' "$top/README.md" >"$root/work/server.c"

# What they depend on is there first, so that what comes with them is theirs.
needed=$(for deb in "$root"/work/*.deb; do
    dpkg-deb -f "$deb" Pre-Depends Depends | sed 's/^[A-Za-z-]*: //' | tr ',' '\n'
done | sed 's/(.*//; s/|.*//; s/ //g' | grep -vE '^(libcprof|$)' | sort -u | tr '\n' ' ')
step "what they depend on: $needed"
quietly 'the dependencies' inside sh -c "apt-get -q update && apt-get -q -y install --no-install-recommends gcc g++ libc6-dev pkg-config $needed"
files >"$work/before"

# ---- install ----------------------------------------------------------------------------------------------

step 'dpkg -i'
quietly 'dpkg -i' inside sh -c 'dpkg -i /work/*.deb'
inside dpkg-query -W cprof-pprof libcprof0 libcprof-dev
quietly 'apt-get check' inside apt-get check
files >"$work/with"
[ "$(comm -13 "$work/before" "$work/with" | grep -c -e bin/pprof$ -e man1/pprof.1.gz -e man3/cprof.3.gz -e man7/cprof.7.gz)" = 4 ] \
    || fail "the tool or a manual page is not there"

# ---- a program that was preloaded -------------------------------------------------------------------------

step 'a preloaded perl, profiled'
cat >"$root/work/preloaded.sh" <<'SCRIPT'
set -e
cd /work
LD_PRELOAD=libcprof.so.0 CPROF_HTTP=127.0.0.1:0 CPROF_HEAP_RATE=4096 \
    perl -e '$SIG{TERM} = sub { exit 3 }; my %h; for (my $i = 0; ; $i++) { $h{$i % 5000} = "x" x 200 }' 2>err &
pid=$!
trap 'kill -KILL $pid 2>/dev/null || :' EXIT
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    base=$(sed -n 's|^cprof: serving \(http://.*/debug/pprof\)/$|\1|p' err)
    [ -z "$base" ] || break
    sleep 0.5
done
[ -n "$base" ] || { cat err; exit 1; }
pprof -top -nodecount=4 "$base/profile?seconds=2" 2>/dev/null
pprof -top -nodecount=4 "$base/heap" 2>/dev/null
kill "$pid"
wait "$pid" || [ $? = 3 ]
SCRIPT
inside sh /work/preloaded.sh >"$work/log" 2>&1 || fail "preloaded: $(cat "$work/log")"
cat "$work/log"
[ "$(grep -c 'Perl_' "$work/log")" -ge 4 ] || fail "no function of perl's in its profiles"

# ---- programs that are linked ------------------------------------------------------------------------------

step 'C and C++ through pkg-config'
cat >"$root/work/linked.sh" <<'SCRIPT'
set -e
cd /work
for module in cprof cprof-static; do
    cc -g -Wall -Wextra -Werror -o server server.c $(pkg-config --cflags --libs $module)
    mkfifo in
    CPROF_HTTP=unix:/work/server.sock CPROF_HEAP_RATE=1024 ./server <in >out 2>err &
    exec 9>in
    seq 20000 >&9
    sleep 1
    pprof -traces unix:/work/server.sock/debug/pprof/heap 2>/dev/null | grep -m 2 -e strdup -e ' main'
    exec 9>&-
    wait $!
    rm in
    c++ -g -pthread -Wall -Wextra -Werror -o outside outside.cc $(pkg-config --cflags --libs $module)
    CPROF_HEAP_RATE=4096 ./outside heap.pb.gz threads.pb.gz
    pprof -traces heap.pb.gz | grep -m 1 shop::keep
    pprof -tags threads.pb.gz | grep -m 1 /desk
    echo "$module: ok"
done
SCRIPT
inside sh /work/linked.sh >"$work/log" 2>&1 || fail "linked: $(cat "$work/log")"
cat "$work/log"
[ "$(grep -c -e '^cprof: ok' -e '^cprof-static: ok' -e 'shop::keep' -e /desk -e strdup "$work/log")" -ge 8 ] \
    || fail "a profile lacks what it should hold"

# ---- and away ----------------------------------------------------------------------------------------------

step 'dpkg --purge'
quietly 'dpkg --purge' inside dpkg --purge cprof-pprof libcprof-dev libcprof0
files | diff "$work/before" - >"$work/log" || fail "this is left, or gone: $(cat "$work/log")"
echo 'deb_chroot: nothing is left'
