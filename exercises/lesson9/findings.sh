# shellcheck shell=sh disable=SC2154 # sourced by exercises/engine/reading.sh, which see
# What lesson 9 reads in a folder of saved profiles: the report that each profile is read by, and vital signs.

# report NAME FOLDER: the options and files of ./profiler/pprof -top for it; nothing when there is no such profile
report() {
    case $1 in
    cpu) echo "$2/cpu.pb.gz" ;;
    inuse) echo "-inuse_space $2/heap.pb.gz" ;;
    alloc) echo "-alloc_space $2/heap.pb.gz" ;;
    threads) echo "$2/threads.pb.gz" ;;
    mutex) echo "-sample_index=delay $2/mutex.pb.gz" ;;
    block) echo "-ignore=pthread_cond -relative_percentages -sample_index=delay $2/block.pb.gz" ;;
    wakeups) echo "-sample_index=contentions $2/block.pb.gz" ;;
    esac
}

# functions_of NAME FOLDER: the functions of incident.c that the report shows, the first first; flat is what they do
# with all they call that is not in incident.c
functions_of() {
    # shellcheck disable=SC2046 # options and files
    ./profiler/pprof -top -nodecount=1000 -show='incident\.c' $(report "$1" "$2") 2>/dev/null |
        awk 'seen { print $6 } $1 == "flat" && $2 == "flat%" { seen = 1 }'
}

# rank FOLDER: where in the case's own report the first of its functions stands; 99 when it does not
rank() {
    seed=$(cut -d' ' -f1 "$1/case.txt")
    profile=$("$work/case.sh" truth "$seed" profiles)
    functions_of "${profile%%,*}" "$1" | awk -v wanted=" $("$work/case.sh" truth "$seed" functions) " '
        index(wanted, " " $1 " ") && !rank { rank = NR }
        END { print rank ? rank : 99 }'
}

# more FOLDER INDEX: how many MB the heap has more at the end than at the start, if any
more() {
    echo "$(total "$1/heap.pb.gz" "$2" -unit=MB) $(total "$1/heap-start.pb.gz" "$2" -unit=MB)" |
        awk '{ printf "%.1f\n", ($1 > $2 ? $1 - $2 : 0) }'
}

# a_second VALUE FOLDER
a_second() {
    awk -v value="$1" -v seconds="$(cat "$2/seconds.txt")" 'BEGIN { printf "%.1f\n", value / seconds }'
}

figures() {
    folder=$1
    ./profiler/pprof -top "$folder/cpu.pb.gz" 2>/dev/null |
        sed -n 's/.*Total samples = .*( *\([0-9.]*\)%).*/cpu_percent \1/p'
    echo "threads $(total "$folder/threads.pb.gz")"
    echo "grown_mb $(more "$folder" -inuse_space)"
    echo "alloc_mb_a_second $(a_second "$(more "$folder" -alloc_space)" "$folder")"
    echo "mutex_ms_a_second $(a_second "$(total "$folder/mutex.pb.gz" -sample_index=delay -unit=ms)" "$folder")"
    echo "block_ms_a_second $(a_second "$(total "$folder/block.pb.gz" -ignore=pthread_cond -relative_percentages -sample_index=delay -unit=ms)" "$folder")"
    echo "wakeups_a_second $(a_second "$(total "$folder/block.pb.gz" -sample_index=contentions)" "$folder")"
    echo "p95_ms $(load_p95_ms "$folder")"
    echo "culprit_rank $(rank "$folder")"
}

findings() {
    folder=$1
    finding cpu '%s%% of one processor were in use' "$(figure_of cpu_percent)"
    finding heap '%s MB more were alive at the end; %s MB were allocated in each second' \
        "$(figure_of grown_mb)" "$(figure_of alloc_mb_a_second)"
    finding threads '%s' "$(figure_of threads)"
    finding mutex '%s ms of delay in each second' "$(figure_of mutex_ms_a_second)"
    finding block '%s ms in each second, of those who wait for more than something to do' "$(figure_of block_ms_a_second)"
    finding wakeups '%s times in each second somebody had waited' "$(figure_of wakeups_a_second)"
    finding load 'p95 %s ms' "$(figure_of p95_ms)"
}
