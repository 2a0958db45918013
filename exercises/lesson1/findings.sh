# shellcheck shell=sh disable=SC2154 # sourced by exercises/engine/reading.sh, which see
# What lesson 1 reads in a folder of saved profiles.

# caller_of FILE FUNCTION: who called it for most of its time
caller_of() {
    ./profiler/pprof -peek "^$2\$" "$1" 2>/dev/null |
        awk '$3 == "|" && !found { print $4; found = 1 } /^-/ { if (found) exit }'
}

figures() {
    folder=$1
    cpu=$(rows "$folder/cpu.pb.gz")
    cpu_ms=$(total "$folder/cpu.pb.gz" -unit=ms)
    echo "cpu_libc_flat $(printf '%s\n' "$cpu" | share_sum 2 '^(memcpy|strlen)$')"
    echo "cpu_append_flat $(printf '%s\n' "$cpu" | share 2 '^append_piece$')"
    echo "cpu_append $(printf '%s\n' "$cpu" | share 4 '^append_piece$')"
    echo "cpu_escape $(printf '%s\n' "$cpu" | share 4 '^escape_json$')"
    awk -v ms="$cpu_ms" '{ printf "request_cpu_ms %.2f\n", ms / ($1 + ($1 == 0)) }' "$folder/requests.txt"
    echo "p95_ms $(load_p95_ms "$folder")"
}

findings() {
    folder=$1
    top=$(rows "$folder/cpu.pb.gz" | sed 1q)
    first=$(echo "$top" | cut -d' ' -f5-)
    caller=$(caller_of "$folder/cpu.pb.gz" "$first")

    finding flat '%s is first, with %s; memcpy and strlen together have %s%%' \
        "$first" "$(echo "$top" | cut -d' ' -f2)" "$(figure_of cpu_libc_flat)"
    [ -z "$caller" ] || finding caller '%s calls %s more than anybody else does' "$caller" "$first"
    finding cum 'escape_json has %s%% with all it calls' "$(figure_of cpu_escape)"
    finding cpu '%s ms of a processor for a request' "$(figure_of request_cpu_ms)"
    finding load 'p95 %s ms' "$(figure_of p95_ms)"
}
