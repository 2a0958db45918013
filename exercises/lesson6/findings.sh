# shellcheck shell=sh disable=SC2154 # sourced by exercises/engine/reading.sh, which see
# What lesson 6 reads in a folder of saved profiles.

# The functions of the gateway that made most of what is alive: the first by flat, and those under whose
# calls 40% or more was made, the threads' own beginnings apart.
heap_owners() { # heap_owners FILE
    first_function "$1" -inuse_space
    rows "$1" -inuse_space | awk '{ share = $4; sub(/%/, "", share) }
        share >= 40 && $5 ~ /^(cache|answer|upstream)_/ { print $5 }' | sort -u
}

figures() {
    folder=$1
    cpu=$(rows "$folder/cpu.pb.gz")
    echo "cpu_json_flat $(printf '%s\n' "$cpu" | sed 1q | share 2 '^json_')"
    echo "cpu_evict $(printf '%s\n' "$cpu" | share 4 '^cache_evict')"
    echo "heap_answers $(rows "$folder/heap.pb.gz" -inuse_space | share 2 '^answer_new')"
    echo "heap_mb $(total "$folder/heap.pb.gz" -inuse_space -unit=MB)"
    echo "heap_start_mb $(total "$folder/heap-start.pb.gz" -inuse_space -unit=MB)"
    echo "cache_entries $(stat_of cache_entries "$folder")"
    echo "evictions $(stat_of evictions "$folder")"
    echo "threads $(total "$folder/threads.pb.gz")"
    echo "threads_in_lock $(grep -c '^pthread_mutex_lock\|lll_lock' "$folder/threads.txt")"
    echo "mutex_evict $(rows "$folder/mutex.pb.gz" -sample_index=delay | share 4 '^cache_evict')"
    echo "mutex_delay_s $(total "$folder/mutex.pb.gz" -sample_index=delay -unit=s)"
    echo "block_delay_s $(total "$folder/block.pb.gz" -sample_index=delay -unit=s)"
    echo "p95_ms $(load_p95_ms "$folder")"
}

findings() {
    folder=$1
    top=$(rows "$folder/cpu.pb.gz" | sed 1q)
    standing=$(standing_before_lock "$folder/threads.txt")

    finding cpu '%s is first with %s flat; eviction has %s%% with all it calls' \
        "$(echo "$top" | cut -d' ' -f5-)" "$(echo "$top" | cut -d' ' -f2)" "$(figure_of cpu_evict)"
    finding heap 'answer_new, what the cache keeps, owns %s%% of %s MB in use (%s MB at the start)' \
        "$(figure_of heap_answers)" "$(figure_of heap_mb)" "$(figure_of heap_start_mb)"
    finding threads '%s when it was worst, %s of them waiting for a lock%s' \
        "$(figure_of threads)" "$(figure_of threads_in_lock)" "${standing:+, most in $standing}"
    finding mutex '%s%% of %s s of delay are charged to cache_evict' "$(figure_of mutex_evict)" "$(figure_of mutex_delay_s)"
    finding block '%s s waited in all, by all threads together' "$(figure_of block_delay_s)"
    finding gateway '%s entries in the cache at the end, %s evictions since it started' \
        "$(figure_of cache_entries)" "$(figure_of evictions)"
    finding load 'p95 %s ms' "$(figure_of p95_ms)"
}
