# shellcheck shell=sh disable=SC2154 # sourced by exercises/engine/reading.sh, which see
# What lesson 4 reads in a folder of saved profiles.

# waiting_for_holder TEXT: of the threads one by one (debug=2), how many wait for a mutex that another one holds
waiting_for_holder() {
    grep -c '^thread [0-9]* \[mutex wait.*, held by' "$1"
}

# holder_calls TEXT: what the thread is in, of the server's own, that holds the mutex most others wait for: the functions
# called from stats.c, a line each, the innermost first
holder_calls() {
    awk '
        NR == FNR { if (match($0, /held by [0-9]+/)) count[substr($0, RSTART + 8, RLENGTH - 8)]++; next }
        FNR == 1 { for (id in count) if (count[id] > most) { most = count[id]; holder = id } }
        /^thread [0-9]+ \[/ { inside = holder != "" && $2 == holder; next }
        inside && /^[A-Za-z_].*\(\.\.\.\)/ { frame = $0; sub(/\(.*/, "", frame); next }
        inside && /lesson4\/|common\/neighbour/ { if (frame ~ /^stats_/) inside = 0; else print frame }' "$1" "$1"
}

# charged FILE OPTION…: who is charged most, the functions of libc left out
charged() {
    first_function "$@" -hide='^pthread_'
}

# charged_share FILE PATTERN OPTION…: the share of all that is charged to functions that match, in percent
charged_share() {
    file=$1 pattern=$2
    shift 2
    rows "$file" -hide='^pthread_' "$@" | share_sum 2 "$pattern"
}

figures() {
    folder=$1
    echo "contentions_rules $(charged_share "$folder/mutex.pb.gz" '_allows$' -sample_index=contentions)"
    echo "contentions_stats $(charged_share "$folder/mutex.pb.gz" '^stats_' -sample_index=contentions)"
    echo "delay_rules $(charged_share "$folder/mutex.pb.gz" '_allows$' -sample_index=delay)"
    echo "delay_stats $(charged_share "$folder/mutex.pb.gz" '^stats_' -sample_index=delay)"
    total "$folder/block.pb.gz" -sample_index=delay -focus='^pthread_mutex' -unit=ms |
        awk -v seconds="$(cat "$folder/seconds.txt")" '{ printf "waited_ms_a_second %.1f\n", $1 / seconds }'
    echo "threads_in_lock $(waiting_for_holder "$folder/threads.txt")"
    echo "p95_ms $(load_p95_ms "$folder")"
}

findings() {
    folder=$1
    finding count 'threads run into a lock most often in %s: %s%% of all times' \
        "$(charged "$folder/mutex.pb.gz" -sample_index=contentions)" "$(figure_of contentions_rules)"
    finding delay 'they wait longest for %s: the statistics have %s%% of all delay, the rules %s%%' \
        "$(charged "$folder/mutex.pb.gz" -sample_index=delay)" "$(figure_of delay_stats)" "$(figure_of delay_rules)"
    finding block '%s ms waited for locks in each second, by all threads together' "$(figure_of waited_ms_a_second)"
    finding threads '%s waited for a lock that another one held, when it was worst' "$(figure_of threads_in_lock)"
    finding load 'p95 %s ms' "$(figure_of p95_ms)"
}
