#!/bin/sh
# The rooms of profiler/ and who may include whom: the one direction, as a test.
# Also: file names are unique across the tree, so that "report.c" means one file. measure.c is two: the tool's,
# and the one that learners of lesson 5 repair.
cd "$(dirname "$0")/.." || exit 2

allowed() { # the rooms that files of room $1 may include, itself apart
    case $1 in
    base | include) ;;
    model | symbol | capture) echo base ;;
    export) echo base model symbol capture include ;;
    view) echo base model symbol ;;
    ui) echo base model symbol view ;;
    *) echo "unknown room profiler/$1" >&2 ;;
    esac
}

bad=0
for dir in profiler/*/; do
    room=$(basename "$dir")
    [ "$room" = packaging ] && continue
    may=" $room $(allowed "$room") "
    for file in "$dir"*.[ch]; do
        [ -f "$file" ] || continue
        # shellcheck disable=SC2013 # room names are words
        for used in $(sed -n 's/^[[:space:]]*#[[:space:]]*include "\([a-z]*\)\/.*/\1/p' "$file" | sort -u); do
            case $may in
            *" $used "*) ;;
            *) echo "$file includes $used/, which $room/ must not know" && bad=1 ;;
            esac
        done
        if [ "$room" != export ] && [ "$room" != include ] && grep -Hn '#include [<"]cprof.h' "$file"; then
            echo "only export/ implements cprof.h" && bad=1
        fi
        if [ "$file" != profiler/model/encode.c ] && grep -HnE '#include ["<](profile.pb-c|protobuf-c)' "$file"; then
            echo "only model/encode.c sees protobuf" && bad=1
        fi
        if [ "$file" != profiler/model/gzip.c ] && grep -HnE '#include ["<]zlib' "$file"; then
            echo "only model/gzip.c sees zlib" && bad=1
        fi
        if [ "$file" != profiler/model/gunzip.c ] && grep -HnE '#include ["<]libdeflate' "$file"; then
            echo "only model/gunzip.c sees libdeflate" && bad=1
        fi
    done
done

twice=$(find profiler demos tests -name '*.[ch]' -not -path '*/wrong/*' | sed 's|.*/||' | sort | uniq -d | grep -v '^measure\.[ch]$')
[ -z "$twice" ] || { echo "file names that are not unique: $twice"; bad=1; }
exit $bad
