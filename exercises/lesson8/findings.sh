# shellcheck shell=sh disable=SC2154 # sourced by exercises/engine/reading.sh, which see
# What lesson 8 reads in a folder of saved profiles and pages.
canary='canary-4711'

# pages_of WHO FOLDER: the pages that the owner or the stranger got, a name each
pages_of() {
    for page in "$2/$1"-*; do
        [ ! -e "$page" ] || echo "${page##*/"$1"-}"
    done
}

# pages_with_secret FOLDER: those of the owner's in which the signing key stands
pages_with_secret() {
    for page in "$1"/owner-*; do
        ! grep -aqF "$canary" "$page" || echo "${page##*/owner-}"
    done
}

# period_of FILE: as it stands in the profile, bytes from one sample of the heap to the next
period_of() {
    ./profiler/pprof -raw "$1" 2>/dev/null | sed -n 's/^Period: //p'
}

# label_keys FILE: the keys that samples are labelled with, a line each
label_keys() {
    ./profiler/pprof -tags "$1" 2>/dev/null | sed -n 's/^ *\([^ :]*\): Total .*/\1/p'
}

# codes_in FILE: how many tickets can be told from its labels
codes_in() {
    ./profiler/pprof -tags "$1" 2>/dev/null | grep -cE ': (item-[0-9]+|new-[0-9a-f]+-[0-9]+)$'
}

# since_start NAME FOLDER: by how much a figure of the server has grown while profiles were collected
since_start() {
    awk -v from="$(sed -n "s/.*\"$1\":\([0-9.]*\).*/\1/p" "$2/stats-start.json")" \
        -v to="$(sed -n "s/.*\"$1\":\([0-9.]*\).*/\1/p" "$2/stats-end.json")" 'BEGIN { printf "%.0f\n", to - from }'
}

shows_secret() { # shows_secret FOLDER
    [ -n "$(pages_with_secret "$1")" ]
}

# shows_all FOLDER: also how closely the flawed server looks, as a run without samples of the heap does not
shows_all() {
    shows_secret "$1" && grep -q '^heap_samples_a_second [1-9]' "$1/figures.txt"
}

figures() {
    folder=$1
    echo "stranger_pages $(pages_of stranger "$folder" | wc -l)"
    echo "secret_pages $(pages_with_secret "$folder" | wc -l)"
    echo "codes_seen $(codes_in "$folder/cpu.pb.gz")"
    echo "long_profile $(cat "$folder/long.txt")"
    echo "heap_period $(period_of "$folder/heap.pb.gz")"
    ns=$(./profiler/pprof -raw "$folder/allocs.pb.gz" 2>/dev/null | sed -n 's/^Duration: \([0-9.]*\).*/\1/p')
    awk -v bytes="$(total "$folder/allocs.pb.gz" -sample_index=alloc_space -unit=B)" -v seconds="${ns:-0}" \
        -v period="$(period_of "$folder/heap.pb.gz")" 'BEGIN {
            known = period > 0 && seconds > 0
            printf "heap_samples_a_second %.0f\n", known ? bytes / seconds / period : 0 }'
    awk -v tickets="$(since_start tickets "$folder")" -v cpu_ms="$(since_start cpu_ms "$folder")" \
        'BEGIN { printf "cpu_ms_a_ticket %.2f\n", cpu_ms / (tickets + (tickets == 0)) }'
    echo "p95_ms $(load_p95_ms "$folder")"
    [ ! -f "$folder/cost.txt" ] || awk '/ us a sample, / { print $1 "_sample_us " $2 }' "$folder/cost.txt"
}

findings() {
    folder=$1
    finding stranger '%s pages, asked for at 127.0.0.2: %s' "$(figure_of stranger_pages)" \
        "$(pages_of stranger "$folder" | tr '\n' ' ')"
    finding secret 'the signing key stands in %s pages: %s' "$(figure_of secret_pages)" \
        "$(pages_with_secret "$folder" | tr '\n' ' ')"
    finding labels 'the CPU profile has the codes of %s tickets' "$(figure_of codes_seen)"
    finding seconds 'a profile of 50 minutes was %s' "$([ "$(figure_of long_profile)" = 1 ] && echo begun || echo refused)"
    samples=$(figure_of heap_samples_a_second)
    [ "$samples" = 0 ] && samples='no samples of the heap' ||
        samples="$samples samples of the heap a second, one every $(figure_of heap_period) bytes"
    finding cost '%s; %s ms of CPU for each ticket' "$samples" "$(figure_of cpu_ms_a_ticket)"
    finding load 'p95 %s ms' "$(figure_of p95_ms)"
}
