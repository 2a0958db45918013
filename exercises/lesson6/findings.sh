# shellcheck shell=sh disable=SC2154 # prediction comes from run.sh
# What a folder of saved profiles says, in the figures that lesson 6 is about; sourced by run.sh, quiz.sh and
# bands. Each function prints one figure or one line, computed from the folder's files by ./profiler/pprof.

# rows FILE OPTION…: pprof's -top as "FLAT FLAT% CUM CUM% FUNCTION" lines
rows() {
    file=$1
    shift
    ./profiler/pprof -top -nodecount=1000 "$@" "$file" 2>/dev/null |
        awk 'seen { name = $6; for (i = 7; i <= NF; i++) name = name " " $i; print $1, $2, $4, $5, name }
             $1 == "flat" && $2 == "flat%" { seen = 1 }'
}

# share COLUMN PATTERN: of the rows on standard input, the number of the first whose function matches, or 0
share() {
    awk -v column="$1" -v pattern="$2" '{ name = $5 } name ~ pattern { sub(/%/, "", $column); print $column; found = 1; exit }
        END { if (!found) print 0 }'
}

# The sum of a column over all rows whose function matches.
share_sum() {
    awk -v column="$1" -v pattern="$2" '$5 ~ pattern { sub(/%/, "", $column); sum += $column } END { printf "%.1f\n", sum }'
}

# threads_in_lock TEXT: of a debug=1 text, how many threads stand in a mutex
threads_in_lock() {
    awk '/^[0-9]+ @/ { n = $1; counted = 0 }
         /mutex_lock|lll_lock/ && !counted { total += n; counted = 1 }
         END { print total + 0 }' "$1"
}

# The function that is first by flat value.
first_function() { # first_function FILE OPTION…
    rows "$@" | sed -n '1s/^[^ ]* [^ ]* [^ ]* [^ ]* //; 1s/ (inline)$//; 1p'
}

# The functions of the gateway that made most of what is alive: the first by flat, and those under whose
# calls 40% or more was made, the threads' own beginnings apart.
heap_owners() { # heap_owners FILE
    first_function "$1" -inuse_space
    rows "$1" -inuse_space | awk '{ share = $4; sub(/%/, "", share) }
        share >= 40 && $5 ~ /^(cache|answer|upstream)_/ { print $5 }' | sort -u
}

# The first function of ours that the lock's waiters stand in, from a text of the threads one by one.
standing_before_lock() { # standing_before_lock TEXT
    awk '/^[a-z]+ [0-9]+ \[/ { locked = 0; done = 0; next }
         done { next }
         /^[A-Za-z_]/ && /mutex_lock|lll_lock/ { locked = 1; next }
         /^[A-Za-z_].*\(/ && locked { sub(/\(.*/, ""); count[$0]++; done = 1 }
         END { for (name in count) if (count[name] > most) { most = count[name]; best = name }; if (most) print best }' "$1"
}

# figures FOLDER: every figure as "NAME VALUE", as bands.tsv names them
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
    if [ -s "$folder/load.json" ]; then
        sed -n 's/.*"p95_ms":\([0-9.]*\).*/p95_ms \1/p' "$folder/load.json"
    else
        echo "p95_ms $(stat_of p95_ms "$folder")"
    fi
}

stat_of() { # stat_of NAME FOLDER: from the gateway's own figures
    sed -n "s/.*\"$1\":\([0-9.]*\).*/\1/p" "$2/stats.json"
}

total() { # total FILE OPTION…: of the sample type, without its unit; 0 when there is nothing
    file=$1
    shift
    ./profiler/pprof -top -nodecount=1 "$@" "$file" 2>/dev/null |
        sed -n 's/^Showing nodes accounting for .* of \([0-9.]*\)[A-Za-z]* total.*/\1/p' | grep . || echo 0
}

finding() { # finding NAME FORMAT VALUE…: a line of the summary
    name=$1 format=$2
    shift 2
    # shellcheck disable=SC2059 # the formats are those below
    printf "%-10s $format\\n" "$name" "$@"
}

# findings FOLDER: what each profile says, a line each, with the learner's prediction first
findings() {
    folder=$1
    figures "$folder" >"$folder/figures.txt"
    figure_of() {
        sed -n "s/^$1 //p" "$folder/figures.txt"
    }
    top=$(rows "$folder/cpu.pb.gz" | sed 1q)
    standing=$(standing_before_lock "$folder/threads.txt")

    echo
    [ ! -s "$prediction" ] || echo "predicted  $(cat "$prediction")"
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
    echo
}
