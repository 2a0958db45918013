# shellcheck shell=sh disable=SC2154 # sourced by exercises/engine/reading.sh, which see
# What lesson 7 reads in a folder of saved profiles.

# tiles_mb FILE: what is alive and was allocated on behalf of tile_store_get
tiles_mb() {
    rows "$1" -inuse_space -unit=MB | awk '$5 == "tile_store_get" { sub(/MB/, "", $3); mb = $3 } END { printf "%.1f\n", mb }'
}

# since_start NAME FOLDER: by how much a figure of the server has grown while profiles were collected
since_start() {
    awk -v from="$(sed -n "s/.*\"$1\":\([0-9.]*\).*/\1/p" "$2/stats-start.json")" -v to="$(stat_of "$1" "$2")" \
        'BEGIN { printf "%.0f\n", to - from }'
}

# more_work LESS MORE: of two folders, the server's functions that have most more CPU time in the second, a line each
more_work() {
    rows "$2/cpu.pb.gz" -cum -diff_base "$1/cpu.pb.gz" | awk '
        $5 ~ /^(handle_map|tile_store_get|terrain_render|band_at|wave_at)$/ { print $5 }' | head -n 3
}

keeps_tiles() { # keeps_tiles FOLDER
    [ "$(stat_of kept "$1")" -gt 0 ]
}
keeps_all() { # keeps_all FOLDER
    [ "$(tiles_mb "$1/heap.pb.gz" | cut -d. -f1)" -ge 4 ]
}
keeps_none() { # keeps_none FOLDER
    ! keeps_tiles "$1"
}

figures() {
    folder=$1
    end_mb=$(tiles_mb "$folder/heap.pb.gz")
    echo "cpu_render $(rows "$folder/cpu.pb.gz" | share 4 '^terrain_render$')"
    echo "tiles_mb $end_mb"
    awk -v from="$(tiles_mb "$folder/heap-start.pb.gz")" -v to="$end_mb" \
        '{ printf "grown_mb_in_10s %.1f\n", (to - from) * 10 / ($1 + ($1 == 0)) }' "$folder/seconds.txt"
    awk -v asked="$(since_start asked "$folder")" -v rendered="$(since_start rendered "$folder")" \
        -v cpu_ms="$(since_start cpu_ms "$folder")" 'BEGIN {
            asked += asked == 0
            printf "rendered %.1f\ncpu_ms_a_tile %.2f\n", 100 * rendered / asked, cpu_ms / asked }'
    echo "kept $(stat_of kept "$folder")"
    echo "asked $(stat_of asked "$folder")"
    echo "budget_mb $(stat_of budget_mb "$folder")"
    echo "p95_ms $(load_p95_ms "$folder")"
}

findings() {
    folder=$1
    finding cpu '%s is first by flat; terrain_render has %s%% with all it calls' \
        "$(first_function "$folder/cpu.pb.gz")" "$(figure_of cpu_render)"
    finding heap '%s MB alive on behalf of tile_store_get, %s MB more in 10 s' "$(figure_of tiles_mb)" \
        "$(figure_of grown_mb_in_10s)"
    finding tiles '%s kept in the end, of %s that were asked for; %s%% had to be rendered' \
        "$(figure_of kept)" "$(figure_of asked)" "$(figure_of rendered)"
    finding together '%s ms of CPU for each tile asked for, and %s MB' "$(figure_of cpu_ms_a_tile)" "$(figure_of tiles_mb)"
    finding load 'p95 %s ms' "$(figure_of p95_ms)"
}
