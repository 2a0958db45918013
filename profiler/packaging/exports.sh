#!/bin/sh
# The names that libcprof.so exports, from the objects it is made of, so that no list falls behind.
#
#   exports.sh names "CAPTURE OBJECTS" "EXPORT OBJECTS"   what the second use of the first, and what it is called
#                                                         between the two shared objects: lines for objcopy.
#                                                         A checksum of what the two must agree on is part of it:
#                                                         those of different builds find nothing in each other
#   exports.sh map "WRAPPER OBJECTS"                      the version script: the wrappers, jemalloc's API, cprof_*
#
# No version is named in it: one that is would not come before libc's versions of the same name.
defined() {
    # shellcheck disable=SC2086 # a list of objects
    nm -g --defined-only $1 | awk 'NF == 3 { print $3 }' | sort -u
}

undefined() {
    # shellcheck disable=SC2086
    nm -g --undefined-only $1 | awk 'NF == 2 { print $2 }' | sort -u
}

case $1 in
names)
    agreed=$(cat profiler/capture/*.h profiler/export/service.h profiler/include/cprof.h | cksum | cut -d ' ' -f 1)
    { defined "$2" && undefined "$3"; } | sort | uniq -d | sed "s/.*/& cprof_private_${agreed}_&/"
    ;;
map)
    jemalloc=$(${CC:-gcc} -print-file-name=libjemalloc_pic.a)
    echo '{ global:'
    echo '    cprof_*;'
    defined "$2" | grep -v -e '^interpose_' -e '\.' | sed 's/.*/    &;/'
    nm -g --defined-only "$jemalloc" 2>/dev/null \
        | awk 'NF == 3 && $3 !~ /^(je_|_Z)|\./ { print "    " $3 ";" }' | sort -u
    echo '    local: *; };'
    ;;
*)
    echo "usage: exports.sh names|map OBJECTS..." >&2
    exit 2
    ;;
esac
