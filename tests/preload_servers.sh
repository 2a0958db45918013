#!/bin/sh
# libcprof.so in servers under load: nginx with its workers, through a reload; redis, which brings jemalloc
# itself, through a BGSAVE; memcached. Each is profiled while it answers, and ends as it should.
# shellcheck source=tests/preload_common.sh
. tests/preload_common.sh
export CPROF_HEAP_RATE=16384

# load COMMAND...: again and again beside what follows, until `unload`; every round must succeed.
load() {
    touch "$work/loading"
    { while [ -f "$work/loading" ]; do "$@" >"$work/load" 2>&1 || exit; done; } 9>&- &
    loading=$!
    pids="$pids $loading"
}
unload() {
    rm "$work/loading"
    wait "$loading" || fail "$name does not answer under load: $(cat "$work/load")"
}

# ends NAME SIGNAL: well, and leaves no socket behind.
ends() {
    kill "-$2" "$pid"
    wait "$pid" || fail "$1 ends with $?: $(cat "$work/$1.err")"
    [ -z "$(find "$work/s" -name '*.sock')" ] || fail "$1 leaves sockets behind: $(ls "$work/s")"
}

# ---- nginx ------------------------------------------------------------------------------------------------

# One that compresses what it sends. Master and two workers are three processes.
nginx_is_ready() {
    [ -S "$work/http.sock" ] && "$fetch" -u "$work/http.sock" http://localhost/page >/dev/null 2>&1
}
nginx_answers() {
    "$fetch" -H 'Accept-Encoding: gzip' -u "$work/http.sock" http://localhost/page http://localhost/page
}
workers() {
    pgrep -P "$pid" | sort
}
nginx_serves() { # N of its processes
    [ "$(find "$work/s" -name '*.sock' | wc -l)" = "$1" ]
}
start_nginx() { # NAME
    rm -f "$work/http.sock"
    launch "$1" nginx -p "$work" -c "$work/nginx.conf"
    soon "nginx does not start" nginx_is_ready
}

nginx=$(command -v nginx || ls /usr/sbin/nginx 2>/dev/null)
if [ -n "$nginx" ]; then
    PATH=$PATH:/usr/sbin
    seq 100000 >"$work/page"
    cat >"$work/nginx.conf" <<CONF
daemon off; worker_processes 2; user $(id -un) $(id -gn); pid $work/nginx.pid; error_log stderr warn;
events { worker_connections 64; }
http {
    access_log off; gzip on; gzip_types *; gzip_http_version 1.0; gzip_comp_level 9;
    client_body_temp_path $work/t1; proxy_temp_path $work/t2; fastcgi_temp_path $work/t3;
    uwsgi_temp_path $work/t4; scgi_temp_path $work/t5;
    server { listen unix:$work/http.sock; root $work; }
}
CONF
    export CPROF_FORK=1
    CPROF_HTTP=unix:$work/s/%p.sock start_nginx nginx
    soon "nginx and its workers do not serve" nginx_serves 3
    load nginx_answers
    before=$(workers)
    for process in $before; do
        base_at "$work/s/$process.sock"
        start_cpu nginx
        ask "nginx's worker"
        cpu_has nginx 'deflate'
    done
    base_at "$work/s/$pid.sock"
    ask "nginx's master"
    kill -HUP "$pid"
    are_new() {
        [ "$(workers | wc -l)" = 2 ] && ! workers | grep -qFx "$before" && nginx_serves 3
    }
    soon "no new workers after a reload" are_new
    for process in $(workers); do
        base_at "$work/s/$process.sock"
        ask "nginx's new worker"
    done
    unload
    ends nginx QUIT
    [ ! -s "$work/nginx.err" ] || fail "nginx says: $(cat "$work/nginx.err")"

    # A port of each one's own; then one for all, which the first one gets.
    CPROF_HTTP=127.0.0.1:0 start_nginx nginx_ports
    have_ports() {
        [ "$(grep -c '^cprof: serving' "$work/nginx_ports.err")" = 3 ]
    }
    soon "nginx and its workers do not print their ports" have_ports
    via=
    grep '^cprof: serving' "$work/nginx_ports.err" | sort -u >"$work/ports"
    while read -r _ _ url; do
        base=${url%/debug/pprof/}
        get cmdline
        [ "$code" = 200 ] || fail "$base does not answer"
    done <"$work/ports"
    address=${base#http://}
    ends nginx_ports QUIT
    [ "$(wc -l <"$work/ports")" = 3 ] || fail "not three ports: $(cat "$work/nginx_ports.err")"
    CPROF_HTTP=$address start_nginx nginx_one
    get cmdline
    [ "$code" = 200 ] || fail "the master does not serve on $address"
    [ "$(find "/proc/$(workers | head -n 1)/task" -mindepth 1 -maxdepth 1 | wc -l)" = 1 ] \
        || fail "a worker serves on the address of its master"
    ends nginx_one QUIT
    [ ! -s "$work/nginx_one.err" ] || fail "an inherited address that is taken: $(cat "$work/nginx_one.err")"
    unset CPROF_FORK
else
    skip nginx 'it is not installed'
fi

# ---- redis ------------------------------------------------------------------------------------------------

redis() {
    redis-cli -s "$work/redis.sock" "$@"
}
redis_answers() {
    redis ping >/dev/null 2>&1
}
figure() {
    redis info | tr -d '\r' | sed -n "s/^$1://p"
}
if has redis-server && has redis-cli && has redis-benchmark; then
    # jemalloc gives each sampled block 16 KB: at a sample every 16 KB the heap would be twice what redis counts.
    CPROF_HTTP=127.0.0.1:0 CPROF_HEAP_RATE=131072 launch redis redis-server --port 0 --unixsocket "$work/redis.sock" \
        --save '' --dir "$work" --io-threads 2
    base_of redis
    soon 'redis does not answer' redis_answers
    redis-benchmark -s "$work/redis.sock" -q -r 1000000 -n 60000 -d 500 -t set -P 32 >/dev/null
    load redis-benchmark -s "$work/redis.sock" -q -n 20000 -t set,get -P 16
    start_cpu redis
    ask redis
    cpu_has redis aeMain
    redis bgsave >/dev/null
    is_saved() {
        [ "$(figure rdb_bgsave_in_progress)/$(figure rdb_last_bgsave_status)" = 0/ok ] && [ -s "$work/dump.rdb" ]
    }
    soon 'redis does not save' is_saved
    unload
    get 'heap?debug=1'
    live=$(sed -n 's/^heap profile: [0-9]*: \([0-9]*\) .*/\1/p' "$work/body")
    [ -n "$live" ] || fail "after a fork, redis answers heap with $code"
    # Redis counts what it allocates; jemalloc, as redis asks it, and our profile must count the same heap.
    [ "$(figure mem_allocator | cut -c 1-8)" = jemalloc ] || fail "redis does not use jemalloc itself"
    used=$(figure used_memory) counted=$(figure allocator_allocated)
    for other in "$counted" "$live"; do
        if [ $((other * 2)) -lt "$used" ] || [ "$other" -gt $((used * 2)) ]; then
            fail "two heaps: redis says $used bytes, jemalloc $counted, the profile $live"
        fi
    done
    ends redis TERM
else
    skip redis 'redis-server or redis-tools is not installed'
fi

# ---- memcached --------------------------------------------------------------------------------------------

if has memcached && has python3; then
    cat >"$work/talk.py" <<'PY'
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
f = s.makefile('rwb')
value = b'v' * 1000
for i in range(3000):
    f.write(b'set key%d 0 0 1000\r\n%s\r\n' % (i, value)); f.flush()
    assert f.readline() == b'STORED\r\n'
    f.write(b'get key%d\r\n' % i); f.flush()
    assert [f.readline() for _ in range(3)][1] == value + b'\r\n'
PY
    CPROF_HTTP=127.0.0.1:0 launch memcached memcached -u "$(id -un)" -U 0 -t 4 -s "$work/memcached.sock"
    base_of memcached
    soon 'memcached does not start' test -S "$work/memcached.sock"
    load python3 "$work/talk.py" "$work/memcached.sock"
    start_cpu memcached
    ask memcached
    cpu_has memcached memcached
    get 'threads?debug=2'
    [ "$(grep -c '^thread [0-9]' "$work/body")" -ge 5 ] || fail "memcached's threads are not all there: $(cat "$work/body")"
    unload
    ends memcached TERM
else
    skip memcached 'memcached or python3 is not installed'
fi
over
pids=
