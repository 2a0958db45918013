#!/bin/sh
# What libcprof.so exports is what the list of its symbols says, names and versions, and nothing else: a name more could
# take the place of a program's own. Whatever of it is not cprof_… replaces libc's, or is jemalloc's public API.
LC_ALL=C
export LC_ALL
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
# shellcheck source=tests/outcome.sh
. tests/outcome.sh
library=${1:-profiler/libcprof.so} list=profiler/packaging/debian/libcprof0.symbols
: >"$dir/out"

# none WHAT: of "out", which should be empty
none() {
    [ ! -s "$dir/out" ] || fail "$1:"
}

nm -D --defined-only --with-symbol-versions "$library" | awk '{ sub(/@@/, "@", $NF); print $NF }' | sed '/@/!s/$/@Base/' \
    | grep -v '^CPROF_0' | sort >"$dir/all"
[ -s "$dir/all" ] || fail "$library exports nothing"
grep -v '^cprof_private_' "$dir/all" >"$dir/public"
sed -n 's/^ \([a-z_].*@[A-Za-z_0-9]*\) .*/\1/p' $list | grep -v '^cprof_private_' | sort >"$dir/listed"
comm -23 "$dir/public" "$dir/listed" >"$dir/out"
none "$library exports what $list does not list"
comm -13 "$dir/public" "$dir/listed" >"$dir/out"
none "$library lacks what $list lists"

# The header's functions are those with a version.
sed -n 's/^[^*]*[ *]\(cprof_[a-z_]*\)(.*/\1@CPROF_0/p' profiler/include/cprof.h | sort -u >"$dir/declared"
grep '@CPROF_0$' "$dir/public" | comm -3 - "$dir/declared" >"$dir/out"
none "what is exported with a version is not what cprof.h declares"

# Those without one are names that programs expect of others.
sed -n 's/.*define je_\([a-z_0-9]*\) \1$/\1/p' "$(pkg-config --variable=includedir jemalloc)/jemalloc/jemalloc.h" >"$dir/known"
nm -D --defined-only "$(${CC:-gcc} -print-file-name=libc.so.6)" | awk '{ sub(/@.*/, "", $NF); print $NF }' >>"$dir/known"
sort -u -o "$dir/known" "$dir/known"
sed -n 's/@Base$//p' "$dir/public" | sort | comm -23 - "$dir/known" >"$dir/out"
none "neither libc's nor jemalloc's, and not cprof_…"

# What the two objects share, and no more, has names of the build.
sed -n 's/^\(cprof_private_.*\)@CPROF_0_PRIVATE$/\1/p' "$dir/all" >"$dir/shared"
grep '^cprof_private_' "$dir/all" | grep -v '@CPROF_0_PRIVATE$' >"$dir/out"
none "private, without its version"
nm -D --undefined-only --with-symbol-versions "${library%.so}-export.so" \
    | sed -n 's/.* \(cprof_[a-z_0-9]*\)@\(.*\)/\1/p' | sort | comm -3 - "$dir/shared" >"$dir/out"
none "shared with libcprof-export.so on one side alone"
nm -D --defined-only "${library%.so}-export.so" | awk '{ print $NF }' | grep -vx cprof_private_service >"$dir/out"
none "libcprof-export.so exports more than its service"

readelf -d "$library" >"$dir/out"
grep -q 'SONAME.*\[libcprof\.so\.0\]' "$dir/out" || fail "its SONAME is another"
[ "$(grep -c NEEDED "$dir/out")" = 1 ] || fail "it needs more than libc"
exit "$failed"
