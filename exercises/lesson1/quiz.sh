#!/bin/sh
# Three questions about a run you saved, and one to keep.
#
#   exercises/lesson1/quiz.sh [FOLDER]     the newest run in which escaping took the time, unless told otherwise
# shellcheck source=exercises/engine/common.sh
. "$(dirname "$0")/../engine/common.sh"
lesson_load 1
# shellcheck source=exercises/engine/asking.sh
. exercises/engine/asking.sh

libc_is_first() { # libc_is_first FOLDER
    case $(first_function "$1/cpu.pb.gz") in
    memcpy | strlen) ;;
    *) return 1 ;;
    esac
}
quiz_begin "${1-}" libc_is_first cpu.pb.gz

first=$(first_function "$folder/cpu.pb.gz")
[ -n "$first" ] || die "$folder: its profile cannot be read"
caller=$(caller_of "$folder/cpu.pb.gz" "$first")
of_document=$(rows "$folder/cpu.pb.gz" -cum -show='^(document_write|write_string)$' | sed -n '1s/.* //p')

ask 'Which function is first by flat time?' "./profiler/pprof -top $folder/cpu.pb.gz" "$first"
if [ -n "$caller" ]; then
    ask "Which function called $first for most of that time?" "./profiler/pprof -peek '^$first\$' $folder/cpu.pb.gz" "$caller"
else
    echo "In this run nobody calls $first: take one of the flawed server for the second question."
fi
if [ -n "$of_document" ]; then
    ask 'A function with a large cum and hardly any flat passes its time on to those it calls. Name one in document.c.' \
        "./profiler/pprof -top -cum $folder/cpu.pb.gz" document_write write_string
fi

cat <<'END'

One to keep: escape_json has a flat time near 0, and most of the cum time. Did it run? Hardly: it was on the stack
in nearly every sample, waiting for what it had called. Flat says where the processor was; cum says on whose behalf.
END
quiz_end
