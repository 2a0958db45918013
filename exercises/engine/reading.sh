# shellcheck shell=sh disable=SC2154 # work, number and the rest come from common.sh
# What a folder of saved profiles says; sourced after lesson_load. Each function prints one figure or some lines,
# computed from the folder's files by ./profiler/pprof. With it comes the lesson's own findings.sh:
#
#     figures FOLDER     every figure as "NAME VALUE", as lessons/lessonN/bands.tsv names them
#     findings FOLDER    what each profile says, a line each, by finding and figure_of

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

# share_sum COLUMN PATTERN: the sum of the column over all rows whose function matches
share_sum() {
    awk -v column="$1" -v pattern="$2" '$5 ~ pattern { sub(/%/, "", $column); sum += $column } END { printf "%.1f\n", sum }'
}

# first_function FILE OPTION…: the one that is first by flat value
first_function() {
    rows "$@" | sed -n '1s/^[^ ]* [^ ]* [^ ]* [^ ]* //; 1s/ (inline)$//; 1p'
}

# total FILE OPTION…: of the sample type, without its unit; 0 when there is nothing
total() {
    file=$1
    shift
    ./profiler/pprof -top -nodecount=1 "$@" "$file" 2>/dev/null |
        sed -n 's/^Showing nodes accounting for .* of \([-0-9.]*\)[A-Za-z]* total.*/\1/p' | grep . || echo 0
}

# threads_in_lock TEXT: of a debug=1 text, how many threads stand in a mutex
threads_in_lock() {
    awk '/^[0-9]+ @/ { n = $1; counted = 0 }
         /mutex_lock|lll_lock/ && !counted { total += n; counted = 1 }
         END { print total + 0 }' "$1"
}

# standing_before_lock TEXT: the first function of ours that most of the lock's waiters stand in, from a text of the
# threads one by one (debug=2)
standing_before_lock() {
    awk '/^[a-z]+ [0-9]+ \[/ { locked = 0; done = 0; next }
         done { next }
         /^[A-Za-z_]/ && /mutex_lock|lll_lock/ { locked = 1; next }
         /^[A-Za-z_].*\(/ && locked { sub(/\(.*/, ""); count[$0]++; done = 1 }
         END { for (name in count) if (count[name] > most) { most = count[name]; best = name }; if (most) print best }' "$1"
}

# stat_of NAME FOLDER: from the server's own figures
stat_of() {
    sed -n "s/.*\"$1\":\([0-9.]*\).*/\1/p" "$2/stats.json"
}

# load_p95_ms FOLDER: as the load saw it, or the server where the load was another's
load_p95_ms() {
    if [ -s "$1/load.json" ]; then
        sed -n 's/.*"p95_ms":\([0-9.]*\).*/\1/p' "$1/load.json"
    else
        stat_of p95_ms "$1"
    fi
}

# finding NAME FORMAT VALUE…: a line of the summary
finding() {
    name=$1 format=$2
    shift 2
    # shellcheck disable=SC2059 # the formats are the lessons' own
    printf "%-10s $format\\n" "$name" "$@"
}

# figure_of NAME: within findings(), what figures() printed
figure_of() {
    sed -n "s/^$1 //p" "$folder/figures.txt"
}

# shellcheck source=/dev/null # a lesson's own file
. "./$work/findings.sh"
