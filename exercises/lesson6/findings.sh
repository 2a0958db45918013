# shellcheck shell=sh
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
    awk '/^goroutine / { locked = 0; done = 0 }
         done { next }
         /^[A-Za-z_]/ && /mutex_lock|lll_lock/ { locked = 1; next }
         /^[A-Za-z_].*\(/ && locked { sub(/\(.*/, ""); count[$0]++; done = 1 }
         END { for (name in count) if (count[name] > most) { most = count[name]; best = name }; if (most) print best }' "$1"
}

# figures FOLDER: every figure as "NAME VALUE", as bands.tsv names them
figures() {
    folder=$1
    rows "$folder/cpu.pb.gz" >"$folder/rows.tmp"
    echo "cpu_json_flat $(sed 1q "$folder/rows.tmp" | share 2 '^json_|^append|^put_|^encode')"
    echo "cpu_scan_flat $(share_sum 2 '^(worth|least_worth)' <"$folder/rows.tmp")"
    rm -f "$folder/rows.tmp"
    echo "heap_answers $(rows "$folder/heap.pb.gz" -inuse_space | share 4 '^answer_new')"
    stat_of cache_entries "$folder"
    echo "threads $(total "$folder/threads.pb.gz")"
    echo "threads_in_lock $(grep -c 'mutex_lock\|lll_lock' "$folder/threads.txt")"
    echo "mutex_evict $(rows "$folder/mutex.pb.gz" -sample_index=delay | share 4 '^cache_evict')"
    echo "mutex_delay_s $(total "$folder/mutex.pb.gz" -sample_index=delay -unit=s)"
    echo "block_delay_s $(total "$folder/block.pb.gz" -sample_index=delay -unit=s)"
    if [ -e "$folder/load.json" ]; then
        sed -n 's/.*"p95_ms":\([0-9.]*\).*/p95_ms \1/p' "$folder/load.json"
    else
        stat_of p95_ms "$folder"
    fi
}

stat_of() { # stat_of NAME FOLDER: from the gateway's own figures
    sed -n "s/.*\"$1\":\([0-9.]*\).*/$1 \1/p" "$2/stats.json"
}

total() { # total FILE OPTION…: of the default sample type, without its unit
    file=$1
    shift
    ./profiler/pprof -top -nodecount=1 "$@" "$file" 2>/dev/null | sed -n 's/.* of \([0-9.]*\)[A-Za-z]* total.*/\1/p'
}
