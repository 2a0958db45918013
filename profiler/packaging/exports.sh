#!/bin/sh
# The names that libcprof.so exports, from the objects it is made of, so that no list falls behind.
#
#   exports.sh names "CAPTURE OBJECTS" "EXPORT OBJECTS"   what the second use of the first, and what it is called
#                                                         between the two shared objects: lines for objcopy.
#                                                         A checksum of what the two must agree on is part of it:
#                                                         those of different builds find nothing in each other
#   exports.sh map VERSION "WRAPPER OBJECTS" "ALL OBJECTS"
#                                                         the version script: what cprof.h declares has a version, and
#                                                         what the two shared objects share has one of its own
#
# The wrappers and jemalloc's API are exported without a version: one that is named would not come before libc's
# versions of the same name. A script cannot say so of a symbol. What it does not name is left so: hence the list of all
# that is to stay inside. libcprof.symbols is what comes of it, written down, and tests/symbols.sh holds the two together.
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
    unversioned=$({
        defined "$3" | grep -v -e '^interpose_' -e '\.'
        nm -g --defined-only "$jemalloc" 2>/dev/null | awk 'NF == 3 && $3 !~ /^(je_|_Z)|\./ { print $3 }'
    })
    echo "$2 {"
    echo '    global:'
    defined "$4" | grep '^cprof_' | grep -v '^cprof_private_' | sed 's/.*/        &;/'
    echo '    local:'
    defined "$4" | grep -v '^cprof_' | grep -vxF "$unversioned" | sed 's/.*/        "&";/'
    echo '        __start_*; __stop_*;'
    echo '};'
    echo "${2}_PRIVATE { global: cprof_private_*; };"
    ;;
*)
    echo "usage: exports.sh names|map [VERSION] OBJECTS..." >&2
    exit 2
    ;;
esac
