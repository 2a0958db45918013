# shellcheck shell=sh disable=SC2154 # sourced by exercises/engine/reading.sh, which see
# What lesson 5 reads in a folder of saved profiles, and in the report among them.

# below_measure_calls FOLDER OPTION…: rows of the CPU profile, of what measure_calls does, as shares of that
below_measure_calls() {
    file=$1/cpu.pb.gz
    shift
    rows "$file" -focus=measure_calls -relative_percentages "$@"
}

# tariff_samples FOLDER: how many samples of the CPU profile are in tariff_cents below measure_calls
tariff_samples() {
    below_measure_calls "$1" -sample_index=samples | awk '$5 == "tariff_cents" { n = $3 } END { print n + 0 }'
}

# of_report FOLDER PATTERN: the number that the pattern's group is, in the report
of_report() {
    sed -n "s/^  $2.*/\1/p" "$1/server.log"
}

# load_p99_ms FOLDER: as the load saw it
load_p99_ms() {
    sed -n 's/.*"p99_ms":\([0-9.]*\).*/\1/p' "$1/load.json"
}

figures() {
    folder=$1
    echo "price_ns $(of_report "$folder" 'one price  *\([0-9.]*\)')"
    echo "cpu_tariff $(below_measure_calls "$folder" | share 4 '^tariff_cents$')"
    echo "itself_different $(of_report "$folder" 'against itself  *"different" \([0-9]*\)')"
    echo "next_different $(of_report "$folder" 'against the next list  *"different" \([0-9]*\)')"
    echo "report_p50_ms $(of_report "$folder" 'a request.*p50 \([0-9.]*\)')"
    echo "report_p99_ms $(of_report "$folder" 'a request.*p99 \([0-9.]*\)')"
    echo "load_p99_ms $(load_p99_ms "$folder")"
    echo "mutex_refresh $(rows "$folder/mutex.pb.gz" -sample_index=delay | share 4 '^rates_refresh')"
    echo "mutex_delay_s $(total "$folder/mutex.pb.gz" -sample_index=delay -unit=s)"
}

findings() {
    folder=$1
    sed -n '/^Release report/,$ s/^  /report     /p' "$folder/server.log"
    finding load 'p99 %s ms, of the same server in the same seconds' "$(figure_of load_p99_ms)"
    finding cpu 'below measure_calls %s is first; tariff_cents has %s%%' \
        "$(below_measure_calls "$folder" | sed -n '1s/^[^ ]* [^ ]* [^ ]* [^ ]* //p')" "$(figure_of cpu_tariff)"
    finding mutex '%s%% of %s s of delay are charged to rates_refresh' "$(figure_of mutex_refresh)" \
        "$(figure_of mutex_delay_s)"
}
