# shellcheck shell=sh disable=SC2034,SC2154 # what is set here is used by those that source it, and the other way round
# What the fleet's scripts share; sourced by each of them after common.sh.
fleet=$work/fleet
state_of_fleet=$work/profiles/fleet # pids, instances (HOST:PORT, a line each), and what was collected

instances() {
    [ -s "$state_of_fleet/instances" ] || die "no fleet is there: $fleet/start.sh starts one"
    cat "$state_of_fleet/instances"
}

# stop_fleet: ends those that start.sh started, and no process that has got one of their numbers since
stop_fleet() {
    [ -f "$state_of_fleet/pids" ] || return 0
    while read -r pid; do
        [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = office ] && kill "$pid" 2>/dev/null
    done <"$state_of_fleet/pids"
    rm -f "$state_of_fleet/pids" "$state_of_fleet/instances"
}
