#!/bin/sh
# usage: jemalloc.sh OBJECT
# Makes one object of Debian's libjemalloc_pic.a, for libcprof.so and libcprof.a:
#   - without its C++ operators: libstdc++'s call malloc, and programs in C need no libstdc++;
#   - without its constructor: it starts with the first allocation, so that a program that makes none pays nothing.
#     The constructor is there for programs whose threads were made without an allocation, and pthread_create makes one;
#   - with its code in a section of its own, whose bounds (__start_jemalloc_text) say which frames are the allocator's;
#   - with its map of addresses, 2 MB of which a page or two is used, behind all other data: these stay together;
#   - with the functions below led to ours (__wrap_NAME), and its own named __real_NAME.
set -e
wrapped='je_prof_boot0 je_prof_sample_new_event_wait je_prof_tctx_create je_prof_alloc_rollback
    je_prof_malloc_sample_object je_prof_free_sampled_object je_large_prof_info_set je_prof_recent_alloc_prepare'
out=$(realpath -m "$1")
archive=$(${CC:-gcc} -print-file-name=libjemalloc_pic.a)
[ -f "$archive" ] || { echo "jemalloc.sh: there is no libjemalloc_pic.a (libjemalloc-dev)" >&2 && exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
ar x "$archive"
rm -f jemalloc_cpp*
objcopy --rename-section .bss=.lbss arena.pic.o
# shellcheck disable=SC2046,SC2086 # lists of flags
ld -r $(printf -- '--wrap=%s ' $wrapped) ./*.o -o all.o
for name in $wrapped; do
    nm all.o | grep -q " T $name\$" || { echo "jemalloc.sh: $archive has no $name" >&2 && exit 1; }
done
# shellcheck disable=SC2046
objcopy $(for name in $wrapped; do echo "--redefine-sym $name=__real_$name"; done) \
    --remove-section=.init_array --remove-section=.rela.init_array \
    --rename-section .text=jemalloc_text --rename-section .text.unlikely=jemalloc_text all.o "$out"
