#!/bin/sh
# What others get of a program that is profiled, and of who profiles it (SECURITY.md): another user, another machine, whoever
# starts a setuid program, a profile from a stranger. What takes root, or a tool, and has none here is named, and not tried.
# shellcheck source=tests/preload_common.sh
. tests/preload_common.sh
make -s .build/tests/target .build/tests/make_profile || exit 2
umask 022
chmod 755 "$work" "$work/s" # so that it is not the folder that keeps others away
mkdir "$work/home" "$work/tmp" "$work/seen"
cp "$fetch" "$work/fetch"
fetch=$work/fetch
export HOME="$work/home" TMPDIR="$work/tmp"
unset PPROF_TMPDIR XDG_CONFIG_HOME CPROF_TOKEN CPROF_ALLOW_REMOTE CPROF_HTTP DISPLAY WAYLAND_DISPLAY http_proxy
.build/tests/make_profile gateway >"$work/gateway.pb.gz"

# traced NAME COMMAND...: with what it and its children create in $work/seen/NAME, where strace is there to say.
traced() {
    seen=$work/seen/$1
    shift
    if has strace; then
        strace -f -qq --seccomp-bpf -e trace=openat,creat,mkdir,mkdirat,mknod,mknodat,memfd_create -o "$seen" "$@"
    else
        "$@"
    fi
}

# target NAME ADDRESS [COMMAND...]: serves there, begun by the command, and lives until `over`
target() {
    name=$1 address=$2
    shift 2
    mkfifo "$work/$name.fifo"
    "$@" .build/tests/target "$address" <"$work/$name.fifo" >"$work/$name.out" 2>"$work/$name.err" 9>&- &
    pid=$!
    pids="$pids $pid"
    exec 9>"$work/$name.fifo"
    soon "$name does not start" test -s "$work/$name.out" -o -s "$work/$name.err"
    port=$(sed -n 's/.*:\([0-9]*\)$/\1/p' "$work/$name.out")
}
ended() {
    over
    wait "$pid" || fail "$name ends with $?: $(cat "$work/$name.err")"
}

# status ARGUMENTS...: of fetch, by the command in $as; the HTTP status, or nothing where nobody answers.
as=
status() {
    # shellcheck disable=SC2086 # a command
    $as "$fetch" -i "$@" 2>/dev/null | sed -n '1s/^[^ ]* \([0-9]*\).*/\1/p'
}
is() { # is WHAT WANTED STATUS
    [ "$2" = "$3" ] || fail "$1: status '$3', wanted '$2'"
}

# ---- what is created --------------------------------------------------------------------------------------

cat >"$work/browser" <<SCRIPT
#!/bin/sh
stat -c '%a %n' "\$1" >>"$work/seen_by_browser"
SCRIPT
chmod +x "$work/browser"
target app "unix:$work/s/app.sock" traced library
run() { # run NAME ARGUMENTS... of pprof
    what=$1
    shift
    traced "$what" "$pprof" "$@" >"$work/out" 2>&1 </dev/null || fail "pprof $*: $(cat "$work/out")"
}
run fetch -top "unix:$work/s/app.sock/debug/pprof/heap"
run triage -triage -seconds=1 "unix:$work/s/app.sock"
(export BROWSER="$work/browser" && run viewer -weblist=json "$work/gateway.pb.gz") || exit 1
if has script; then
    printf 'top1\nquit\n' | script -qec "$pprof $work/gateway.pb.gz" /dev/null >"$work/out" 2>&1
    [ -s "$HOME/.pprof_history" ] || fail "the shell keeps no history: $(cat "$work/out")"
fi
{ traced web "$pprof" -no_browser -http=127.0.0.1:0 "$work/gateway.pb.gz"; } >"$work/web.out" 2>"$work/web.err" 9>&- &
web=$!
pids="$pids $web"
name=web
soon "pprof -http does not serve" grep -q Serving "$work/web.err"
site=$(sed -n 's/^Serving web UI on //p' "$work/web.err")
is 'a configuration' 200 "$(status -X POST -H "Origin: $site" "$site/ui/saveconfig?config=mine&f=json")"

for kept in "$HOME/pprof"/pprof.*.pb.gz "$HOME"/pprof/*/heap.pb.gz "$HOME/.config/pprof/settings.json"; do
    [ -s "$kept" ] || fail "$kept is not there"
done
find "$HOME" "$TMPDIR" "$work/s/app.sock" -mindepth 1 -perm /077 >"$work/open"
find "$work/s/app.sock" -perm /077 >>"$work/open"
[ ! -s "$work/open" ] || fail "others may: $(cat "$work/open")"
grep -q '^600 ' "$work/seen_by_browser" || fail "what a browser is shown is of mode $(cat "$work/seen_by_browser")"
if has strace; then
    cat "$work"/seen/* | grep -E 'O_CREAT|creat\(|mkdir|mknod' | grep -vE '"/(dev|proc)/|seen_by_browser' >"$work/created"
    [ "$(grep -c . "$work/created")" -ge 8 ] || fail "strace saw only: $(cat "$work/created")"
    grep -vE ', 0[0-7]00\) +=' "$work/created" >"$work/open"
    [ ! -s "$work/open" ] || fail "others may, for a while: $(cat "$work/open")"
else
    skip 'what is created for a while' 'strace is not installed'
fi

# ---- another user -----------------------------------------------------------------------------------------

if [ "$(id -u)" = 0 ] && has setpriv; then
    is 'our own socket' 200 "$(status -u "$work/s/app.sock" http://localhost/debug/pprof/cmdline)"
    as='setpriv --reuid=65534 --regid=65534 --clear-groups'
    is "another user's socket" '' "$(status -u "$work/s/app.sock" http://localhost/debug/pprof/cmdline)"
    for kept in "$HOME/pprof" "$HOME"/pprof/pprof.*.pb.gz "$HOME"/.pprof_history "$HOME/.config/pprof/settings.json"; do
        ! $as head -c 1 "$kept" >/dev/null 2>&1 || fail "another user reads $kept"
        ! $as ls "$kept/" >/dev/null 2>&1 || fail "another user lists $kept"
    done
    as=
else
    skip 'another user' 'only root can be one'
fi
ended
process=$web # or what it has begun
while child=$(pgrep -P "$process" | head -n 1) && [ -n "$child" ]; do
    process=$child
done
kill -INT "$process"
wait "$web" || fail "pprof -http ends with $?: $(cat "$work/web.err")"
[ -z "$(find "$TMPDIR" -mindepth 1)" ] || fail "this is left in \$TMPDIR: $(find "$TMPDIR" -mindepth 1)"

# Who starts a program of another user's does not say where it shows its inside.
if [ "$(id -u)" != 0 ]; then
    skip 'a setuid program' 'only root can make one of another user'
elif findmnt -no OPTIONS -T "$work" 2>/dev/null | grep -q nosuid; then
    skip 'a setuid program' "there are none in $work"
else
    cp .build/tests/target "$work/setuid"
    chown 65534 "$work/setuid"
    chmod 4755 "$work/setuid"
    for variable in CPROF_HTTP=127.0.0.1:0 CPROF_TOKEN=x CPROF_ALLOW_REMOTE=1 CPROF_HEAP_RATE=1; do
        env "$variable" "$work/setuid" 127.0.0.1:0 </dev/null >"$work/out" 2>"$work/err" && fail "setuid: $variable is taken"
        [ "$(wc -l <"$work/err")/$(grep -c "^cprof: ${variable%=*} is set, and this program has more rights" "$work/err")" = 1/1 ] \
            || fail "setuid with $variable: $(cat "$work/err")"
    done
    "$work/setuid" 127.0.0.1:0 </dev/null >"$work/out" 2>"$work/err" || fail "setuid, without variables: $(cat "$work/err")"
fi

# ---- another machine --------------------------------------------------------------------------------------

# Two hosts of our own, a cable between them: namespaces that end with their processes. $near is the one that is asked.
far=''
if [ "$(id -u)" = 0 ] && has ip && has nsenter && unshare -n true 2>/dev/null; then
    unshare -n sleep 60 9>&- &
    near=$!
    unshare -n sleep 60 9>&- &
    far=$!
    pids="$pids $near $far"
    name=hosts
    : >"$work/hosts.err"
    for host in "$near" "$far"; do
        soon 'no namespace' sh -c "[ \$(readlink /proc/$host/ns/net) != $(readlink /proc/self/ns/net) ]"
    done
    cable() {
        nsenter -t "$near" -n ip link add cprof0 type veth peer name cprof1 netns "$far" \
            && nsenter -t "$near" -n sh -c 'ip link set lo up && ip addr add 192.0.2.1/24 dev cprof0 && ip link set cprof0 up' \
            && nsenter -t "$far" -n sh -c 'ip link set lo up && ip addr add 192.0.2.2/24 dev cprof1 && ip link set cprof1 up'
    }
    cable >"$work/out" 2>&1 || far=''
fi
if [ -n "$far" ]; then
    near="nsenter -t $near -n" far="nsenter -t $far -n"
    # shellcheck disable=SC2086 # commands
    {
        target near 127.0.0.1:0 $near
        as=$near
        is 'from here' 200 "$(status "http://127.0.0.1:$port/debug/pprof/cmdline")"
        as=$far
        is 'loopback from another machine' '' "$(status "http://192.0.2.1:$port/debug/pprof/cmdline")"
        ended
        $near .build/tests/target 192.0.2.1:0 </dev/null >"$work/out" 2>"$work/err" && fail "192.0.2.1 is bound without more"
        grep -q 'is not a loopback address: CPROF_ALLOW_REMOTE=1 and CPROF_TOKEN are needed' "$work/err" || fail "$(cat "$work/err")"
        $near env CPROF_ALLOW_REMOTE=1 .build/tests/target 192.0.2.1:0 </dev/null >"$work/out" 2>"$work/err" \
            && fail "192.0.2.1 is bound without a token"
        target open 192.0.2.1:0 $near env CPROF_ALLOW_REMOTE=1 CPROF_TOKEN=s3cret
        is 'without a token' 401 "$(status "http://192.0.2.1:$port/debug/pprof/heap")"
        is 'with a wrong one' 401 "$(status -H 'Authorization: Bearer s3cres' "http://192.0.2.1:$port/debug/pprof/heap")"
        is 'with it' 200 "$(status -H 'Authorization: Bearer s3cret' "http://192.0.2.1:$port/debug/pprof/heap")"
        ended
        $near "$pprof" -no_browser -http=localhost:0 "$work/gateway.pb.gz" >"$work/far.out" 2>"$work/far.err" 9>&- &
        pid=$!
        pids="$pids $pid"
        name=far
        soon "pprof -http does not serve" grep -q Serving "$work/far.err"
        port=$(sed -n 's/^Serving web UI on .*:\([0-9]*\)$/\1/p' "$work/far.err")
        is 'pprof -http from another machine' '' "$(status "http://192.0.2.1:$port/ui/")"
        as=$near
        is 'pprof -http from here' 200 "$(status "http://localhost:$port/ui/")"
        as=
        kill -INT "$pid"
        wait "$pid" || fail "pprof -http ends with $?"
    }
else
    skip 'another machine' 'no network namespaces may be made here'
fi

# ---- a stranger's profile ---------------------------------------------------------------------------------

# On a terminal its names are text; a program gets them as they are.
escape=$(printf '\033')
.build/tests/make_profile acting >"$work/acting.pb.gz"
"$pprof" -top "$work/acting.pb.gz" 2>/dev/null | grep -q "evil$escape" || fail "a pipe has names that are not the profile's"
if has script; then
    for format in -top -tree -traces -peek=evil -raw -folded -flame -json; do
        script -qec "'$pprof' $format '$work/acting.pb.gz'" /dev/null </dev/null >"$work/out" 2>&1
        ! grep -q -e "${escape}]" -e "${escape}.2J" "$work/out" || fail "$format acts on a terminal: $(cat -v "$work/out")"
        grep -q evil "$work/out" || fail "$format shows nothing: $(cat -v "$work/out")"
    done
    script -qec "'$pprof' -top '$work/${escape}]0;missing'" /dev/null </dev/null >"$work/out" 2>&1
    ! grep -q "${escape}]" "$work/out" || fail "an error acts on a terminal: $(cat -v "$work/out")"
else
    skip 'a terminal' 'script is not installed'
fi
