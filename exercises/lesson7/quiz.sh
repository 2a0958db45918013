#!/bin/sh
# Three questions about two runs you saved, one that kept all tiles and one that kept none, and one from lesson 5.
#
#   exercises/lesson7/quiz.sh [FOLDER]     the newest run that kept all, unless told otherwise
# shellcheck source=exercises/engine/common.sh
. "$(dirname "$0")/../engine/common.sh"
lesson_load 7
# shellcheck source=exercises/engine/asking.sh
. exercises/engine/asking.sh

quiz_begin "${1-}" keeps_all cpu.pb.gz heap.pb.gz stats.json

first=$(first_function "$folder/cpu.pb.gz")
owner=$(first_function "$folder/heap.pb.gz" -inuse_space)
case $first,$owner in
,* | *,) die "$folder: its profiles cannot be read" ;;
esac
none=$(newest_folder keeps_none)

ask 'Which function is first by flat time in the CPU profile?' "./profiler/pprof -top $folder/cpu.pb.gz" "$first"
if keeps_all "$folder"; then
    ask 'Which function made most of what is alive?' "./profiler/pprof -top -inuse_space $folder/heap.pb.gz" "$owner"
else
    echo "In this run little was kept: take one of the flawed server for the second question."
fi
if [ -n "$none" ] && keeps_none "$none"; then
    # shellcheck disable=SC2046 # a list of names
    ask 'And when nothing is kept: name a function of the server that then has much more CPU time, with all it calls.' \
        "./profiler/pprof -top -cum -diff_base $folder/cpu.pb.gz $none/cpu.pb.gz" $(more_work "$folder" "$none")
else
    echo "There is no run that kept nothing: $work/run.sh --build flawed --budget-mb 0 for the third question."
fi

cat <<'END'

From lesson 5: no. Two runs of one and the same program differ as well; by how much, you know once you have compared it
with itself. The count of tiles rendered has less noise than any time, and a count of instructions has none: that is
why the checks count.
END
quiz_end
