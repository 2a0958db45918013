# shellcheck shell=sh disable=SC2034 # what is set here is used by those that source it
# Starts a gateway for lesson 6's scripts on ports of its own and ends it with the script; sourced after
# exercises/engine/common.sh.

gateway_program() { # gateway_program flawed|yours|reference
    case $1 in
    flawed) echo demos/gateway ;;
    yours) echo exercises/lesson6/gateway ;;
    reference) echo solutions/lesson6/gateway ;;
    *) die "--build is flawed, yours or reference" ;;
    esac
}

# gateway_start PROGRAM LOG [OPTION…]: waits until it serves; sets gateway_pid, gateway_url and gateway_debug.
gateway_start() {
    program=$1 log=$2
    shift 2
    : >"$log" # there, whoever of the two comes first
    "$program" "$@" >"$log" 2>&1 &
    gateway_pid=$!
    tries=0
    until gateway_url=$(sed -n 's/^gateway: \(http:.*\)\/v1\/items.*/\1/p' "$log") && [ -n "$gateway_url" ]; do
        tries=$((tries + 1))
        if [ "$tries" -gt 100 ] || ! kill -0 "$gateway_pid" 2>/dev/null; then
            sed 's/^/    /' "$log" >&2
            die "$program did not start; see above"
        fi
        sleep 0.1
    done
    gateway_debug=$(sed -n "s/.*pprof '\(http:.*\)\/debug\/pprof.*/\1/p" "$log")
}

gateway_stop() {
    [ -n "${gateway_pid-}" ] || return 0
    kill -INT "$gateway_pid" 2>/dev/null
    wait "$gateway_pid" 2>/dev/null
    gateway_pid=''
}
