#!/bin/sh
# The library's sources for arm64, warnings being errors, by Debian's cross compiler; and what capture does there,
# with libgcc's unwinder in place of our tables, in an emulator. The headers of what other rooms need are this
# machine's, but for those that are not the same everywhere (libcurl's).
gcc=aarch64-linux-gnu-gcc B=.build/arm64
command -v $gcc >/dev/null || { echo "skipped: no $gcc (package gcc-aarch64-linux-gnu)" && exit 77; }

make -s "B=$B" "CC=$gcc" CI=true "$B/tests/other_machine" || exit 1
make -s .build/profile.pb-c.h || exit 1
bad=0
for file in profiler/model/*.c profiler/symbol/*.c profiler/export/*.c profiler/view/*.c profiler/ui/*.c; do
    grep -q -e '<curl/' -e '"ui/libcurl.h"' "$file" && continue
    $gcc -fsyntax-only -std=gnu11 -D_GNU_SOURCE -pthread -Iprofiler -Iprofiler/include -I.build \
        -idirafter /usr/include -Wall -Wextra -Wshadow -Werror "$file" || bad=1
done
[ $bad = 0 ] || exit 1
echo 'all compiles for arm64'

command -v qemu-aarch64 >/dev/null || { echo 'not run there: no qemu-aarch64 (package qemu-user)' && exit 0; }
timeout 120 qemu-aarch64 -L /usr/aarch64-linux-gnu "$B/tests/other_machine"
