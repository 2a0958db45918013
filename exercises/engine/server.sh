# shellcheck shell=sh disable=SC2034,SC2154 # what is set here is used by those that source it, and the other way round
# Starts the loaded lesson's server on ports of its own and ends it with the script; sourced after common.sh.

server_program() { # server_program flawed|yours|reference
    case $1 in
    flawed) echo "demos/$DEMO" ;;
    yours) echo "$work/$DEMO" ;;
    reference) echo "solutions/$lesson/$DEMO" ;;
    *) die "--build is flawed, yours or reference" ;;
    esac
}

# server_start PROGRAM LOG [OPTION…]: waits until it serves; sets server_pid, server_url and server_debug.
server_start() {
    program=$1 log=$2
    shift 2
    : >"$log" # there, whoever of the two comes first
    "$program" "$@" >"$log" 2>&1 &
    server_pid=$!
    tries=0
    until server_url=$(sed -n "s|^$DEMO: \(http://[^/]*\)/.*|\1|p" "$log") && [ -n "$server_url" ]; do
        tries=$((tries + 1))
        if [ "$tries" -gt 100 ] || ! kill -0 "$server_pid" 2>/dev/null; then
            sed 's/^/    /' "$log" >&2
            die "$program did not start; see above"
        fi
        sleep 0.1
    done
    server_debug=$(sed -n "s/.*pprof '\(http:.*\)\/debug\/pprof.*/\1/p" "$log")
}

server_stop() {
    [ -n "${server_pid-}" ] || return 0
    kill -INT "$server_pid" 2>/dev/null
    wait "$server_pid" 2>/dev/null
    server_pid=''
}
