# shellcheck shell=sh disable=SC2154 # sourced by exercises/engine/reading.sh, which see
# What lesson 2 reads in a folder of saved profiles.

grown() { # grown FOLDER OPTION…: rows of what heap.pb.gz has more than heap-start.pb.gz
    folder=$1
    shift
    rows "$folder/heap.pb.gz" -inuse_space -diff_base "$folder/heap-start.pb.gz" "$@"
}

# What is in the spike and not in the end: the functions with a fifth of it, of which nothing is left.
in_the_spike_alone() { # in_the_spike_alone FOLDER
    rows "$1/heap.pb.gz" -inuse_space | awk '{ print $5 }' >"$1/names.txt"
    rows "$1/heap-spike.pb.gz" -inuse_space | awk -v names="$1/names.txt" '
        BEGIN { while ((getline name < names) > 0) known[name] = 1 }
        { share = $4; sub(/%/, "", share) }
        share >= 20 && !($5 in known) { print $5 }'
    rm -f "$1/names.txt"
}

figures() {
    folder=$1
    start_mb=$(total "$folder/heap-start.pb.gz" -inuse_space -unit=MB)
    end_mb=$(total "$folder/heap.pb.gz" -inuse_space -unit=MB)
    grown_mb=$(grown "$folder" -unit=MB | awk '$5 == "session_new" { sub(/MB/, "", $3); print $3 + 0; exit }')
    echo "start_mb $start_mb"
    echo "end_mb $end_mb"
    awk -v from="$start_mb" -v to="$end_mb" '{ if (to < from || $1 == 0) to = from
        printf "grown_mb_in_10s %.1f\n", (to - from) * 10 / ($1 + ($1 == 0)) }' "$folder/seconds.txt"
    awk -v from="$start_mb" -v to="$end_mb" -v new="${grown_mb:-0}" 'BEGIN {
        share = (to > from + 2) ? 100 * new / (to - from) : 0 # more where something else shrank meanwhile
        printf "grown_session_new %.1f\n", (share > 100) ? 100 : share }'
    alloc=$(rows "$folder/heap.pb.gz" -alloc_space)
    echo "alloc_page $(printf '%s\n' "$alloc" | share 2 '^page_render$')"
    echo "inuse_page $(rows "$folder/heap.pb.gz" -inuse_space | share 2 '^page_render$')"
    echo "inuse_report $(rows "$folder/heap.pb.gz" -inuse_space | share 4 '^report_(new|read)$')"
    sed -n 's/^\([0-9.]*\) MB alive before, \([0-9.]*\) MB at most.*/\1 \2/p' "$folder/spikes.txt" |
        awk '$2 - $1 > most { most = $2 - $1 } END { printf "spike_mb %.1f\n", most }'
    echo "sessions $(stat_of sessions "$folder")"
    echo "logouts $(stat_of logouts "$folder")"
    echo "rss_mb $(stat_of rss_mb "$folder")"
    echo "rss_peak_mb $(stat_of rss_peak_mb "$folder")"
}

findings() {
    folder=$1
    finding sessions '%s are logged in at the end; %s have logged out since the start' "$(figure_of sessions)" "$(figure_of logouts)"
    finding inuse '%s MB alive at the start, %s at the end: %s MB more in 10 s' \
        "$(figure_of start_mb)" "$(figure_of end_mb)" "$(figure_of grown_mb_in_10s)"
    finding grown '%s%% of what was added was made in session_new' "$(figure_of grown_session_new)"
    finding alloc 'page_render has allocated %s%% of all bytes ever, and has %s%% of those alive' \
        "$(figure_of alloc_page)" "$(figure_of inuse_page)"
    finding report '%s MB more while a report is read; %s%% of what is alive afterwards' \
        "$(figure_of spike_mb)" "$(figure_of inuse_report)"
    finding process '%s MB resident, %s at most' "$(figure_of rss_mb)" "$(figure_of rss_peak_mb)"
}
