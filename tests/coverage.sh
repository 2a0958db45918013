#!/bin/sh
# How much of profiler/ the tests run, in lines, by gcovr: a copy of the tree is built below .build/coverage, so that
# the scripts find their programs where they always are, and all that `make check` has of profiler/ is run there.
# Tests that measure may fail, since counting costs; that is said, and no reason to stop.
#
#   coverage.sh TEST_PROGRAM... -- SCRIPT...
#
# Ends with the ten least covered files and the figure; details are in .build/coverage/lines.csv. Exit: 0, also when
# there is no gcovr; 1 when less than 90% are covered.
cd "$(dirname "$0")/.." || exit 2
tree=.build/coverage
if ! command -v gcovr >/dev/null 2>&1; then
    echo 'coverage: skipped, no gcovr (Debian package gcovr)'
    exit 0
fi
mkdir -p "$tree" || exit 2
git ls-files -z | tar --null -T - -cf - | tar -xf - -C "$tree" || exit 2
cd "$tree" || exit 2
find . -name '*.gcda' -delete

# Children of tests leave by _exit(), at which counts would be lost. Where they cannot be written, nobody is told.
cat >exits.c <<'END'
void __gcov_dump(void);
void __real__exit(int code) __attribute__((noreturn));
void __wrap__exit(int code) __attribute__((noreturn, visibility("hidden"))); /* libcprof.so exports no name more */
void __wrap__exit(int code)
{
    __gcov_dump();
    __real__exit(code);
}
END
gcc -O1 -fPIC -c exits.c -o exits.o || exit 2
export GCOV_ERROR_FILE=/dev/null
# As in the Makefile, so that libcprof.so needs nothing but libc here, too.
libc='-nodefaultlibs -lgcov -lgcc -lgcc_eh -l:libc.so.6 -l:libc_nonshared.a'
flags="-O1 -g --coverage -fprofile-update=atomic -Wl,--wrap=_exit -Wl,$(pwd)/exits.o"
unset MAKEFLAGS
# shellcheck disable=SC2046 # names of programs
make -j"$(nproc)" CFLAGS="$flags" LIBC_IN_SO="$libc" all .build/tests/target .build/tests/target_other .build/tests/target_shared .build/tests/guest \
    .build/tests/asked .build/tests/make_profile $(printf '%s\n' "$@" | grep '^\.build/') || exit 1
tests/run.sh "$@"

gcovr --root . --filter profiler/ --object-directory .build --gcov-ignore-parse-errors --csv lines.csv >/dev/null ||
    exit 2
awk -F, '
    NR > 1 { printf "%5.1f%%  %5d of %5d lines not run  %s\n", 100 * $3 / ($2 ? $2 : 1), $2 - $3, $2, $1 }
' lines.csv | sort -n | head -n 10
awk -F, '
    NR > 1 { all += $2; run += $3 }
    END { printf "%.1f%% of %d lines in profiler/ are run\n", 100 * run / all, all; exit run < 0.9 * all }
' lines.csv
