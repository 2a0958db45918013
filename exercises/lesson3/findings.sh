# shellcheck shell=sh disable=SC2154 # sourced by exercises/engine/reading.sh, which see
# What lesson 3 reads in a folder of saved profiles.

# standing FILE PATTERN: how many threads have the first function that matches in their stack
standing() {
    rows "$1" | share 3 "$2"
}

# standing_most TEXT NAME: the function of pool.c that most threads of that name stand in, from a text of the threads
# one by one (debug=2)
standing_most() {
    awk -v name="name \"$2\"" '
        /^thread [0-9]+ \[/ { ours = index($0, name); next }
        /^[A-Za-z_].*\(\.\.\.\)/ { frame = $0; sub(/\(.*/, "", frame); next }
        ours && /lesson3\/pool\.c:/ { count[frame]++; ours = 0 }
        END { for (f in count) if (count[f] > most) { most = count[f]; best = f }; print best }' "$1"
}

# creator_of_most TEXT NAME: the function in which most of the threads of that name were created
creator_of_most() {
    awk -v name="name \"$2\"" '
        /^thread [0-9]+ \[/ { ours = index($0, name); next }
        ours && /^created by / { count[$3]++ }
        END { for (f in count) if (count[f] > most) { most = count[f]; best = f }; sub(/\(.*/, "", best); print best }' "$1"
}

figures() {
    folder=$1
    pages=$(cat "$folder/pages-night.txt")
    watchers=$(standing "$folder/threads-night.pb.gz" '^watcher_run$')
    echo "pages_night $pages"
    echo "threads_night $(total "$folder/threads-night.pb.gz")"
    echo "watchers_night $watchers"
    awk -v n="$watchers" -v pages="$pages" 'BEGIN { printf "watchers_per_100_pages %.0f\n", pages ? 100 * n / pages : 0 }'
    echo "threads_morning $(total "$folder/threads.pb.gz")"
    echo "workers_waiting $(standing "$folder/threads.pb.gz" '^pool_all$')"
    echo "pages_a_second $(cat "$folder/pages-a-second.txt")"
    ./profiler/pprof -top "$folder/cpu.pb.gz" 2>/dev/null |
        sed -n 's/.*Total samples = .*( *\([0-9.]*\)%).*/cpu_percent \1/p'
}

findings() {
    folder=$1
    finding night '%s threads after %s pages; %s of them are watchers' \
        "$(figure_of threads_night)" "$(figure_of pages_night)" "$(figure_of watchers_night)"
    finding morning '%s pages a second; %s threads, and %s of the 16 workers wait in pool_all' \
        "$(figure_of pages_a_second)" "$(figure_of threads_morning)" "$(figure_of workers_waiting)"
    finding cpu 'in the morning, %s%% of one processor were in use' "$(figure_of cpu_percent)"
}
