#!/bin/sh
# The manual pages say all there is: each function of cprof.h with the header's own prototype and a page of its name, each
# code, each variable of the environment, each format and option of pprof; and man does not complain. SECURITY.md
# names only tests that there are.
LC_ALL=C.UTF-8
export LC_ALL
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
# shellcheck source=tests/outcome.sh
. tests/outcome.sh
pages=profiler/packaging/man header=profiler/include/cprof.h
: >"$dir/out"

# has PAGE WORD WHAT
has() {
    grep -qE -- "(^|[^A-Za-z_0-9-])$2([^A-Za-z_0-9]|\$)" "$dir/$1" || fail "$1 does not tell of $3$2"
}

for page in "$pages"/*.[1-9]; do
    name=${page##*/}
    if grep -q '^\.so ' "$page"; then # another's name
        target=$(sed -n 's/^\.so //p' "$page")
        [ -f "$pages/${target#man?/}" ] || fail "$name leads to $target, which is not there"
        grep -qE "(^|[ ,])${name%.?}[ ,]" "$pages/${target#man?/}" || fail "$target does not bear the name ${name%.?}"
        continue
    fi
    # What it says, as words; without what a terminal would show in bold.
    sed -e 's/\\f[A-Z]//g; s/\\&//g; s/\\-/-/g; s/\\e/\\/g' "$page" >"$dir/$name"
    if command -v groff >/dev/null 2>&1 && command -v man >/dev/null 2>&1; then
        MANROFFSEQ='' man --warnings -l -Tutf8 -Z "$page" 2>&1 >/dev/null | head -n 5 >"$dir/out"
        [ ! -s "$dir/out" ] || fail "man complains of $name:"
    fi
    : >"$dir/out"
done

# The synopsis without its markup, and the header without its comments and line ends, have the same prototypes.
sed -n '/^\.SH SYNOPSIS/,/^\.SH DESCRIPTION/p' "$pages/cprof.3" \
    | sed -e 's/^\.[BI]* //; /^[.#]/d' -e 's/" \([a-z_][a-z_]*\) "/\1/g; s/" \([a-z_][a-z_]*\) /\1/; s/"//g' \
    | tr '\n' ' ' | tr -s ' ' | sed 's/; */;\n/g' >"$dir/synopsis"
${CC:-cc} -E -P "$header" | tr '\n' ' ' | tr -s ' ' | sed 's/; */;\n/g' | sed -n '/cprof_[a-z_]*(/{ /^typedef/d; s/^.*} //; p; }' >"$dir/header"
grep -q 'cprof_start(' "$dir/header" || fail "cprof.h declares no cprof_start"
while read -r prototype; do
    name=$(expr "$prototype" : '.*\(cprof_[a-z_]*\)(')
    grep -qxF "$prototype" "$dir/synopsis" || fail "cprof.3 does not have $prototype"
    [ -f "$pages/$name.3" ] || fail "there is no page $name.3"
    has cprof.3 "$name" ''
done <"$dir/header"
for word in $(sed -n 's/^ *\(CPROF_E[A-Z]*\) = .*/\1/p; s/^#define \(CPROF_[A-Z_]*[A-Z]\)(.*/\1/p' "$header") CPROF_MHD_NOT_MINE; do
    has cprof.3 "$word" ''
done

for word in $(grep -rhoE '"(CPROF|PPROF)_[A-Z_]+"' profiler/export | tr -d '"' | grep -vx CPROF_E | sort -u); do
    has cprof.7 "$word" ''
done
# shellcheck disable=SC2013 # names are words
for word in $(sed -n 's/^    {"\([a-z]*\)", serve_.*/\1/p' profiler/export/endpoints.c); do
    has cprof.7 "$word" ''
done

profiler/pprof help all >"$dir/help" 2>&1 || fail "pprof help all"
# shellcheck disable=SC2013
for word in $(grep -oE '(^| )-[a-z_]+' "$dir/help" | tr -d ' '; sed -n 's/^ *\([A-Z_]*[A-Z]\),* .*/\1/p' "$dir/help"); do
    case $word in
    -*) has pprof.1 "$word" '' ;;
    *_*) has pprof.1 "$word" 'the variable ' ;;
    esac
done

# Each test that SECURITY.md says holds a sentence is there.
: >"$dir/out"
# shellcheck disable=SC2013
for test in $(sed -n '/^| /s/`/\n/gp' SECURITY.md | grep -E '^[a-z_]+\.(sh|c:[a-z_0-9]*)$'); do
    [ -f "tests/${test%%:*}" ] || fail "SECURITY.md names tests/${test%%:*}, which is not there"
    case $test in
    *:?*) grep -q "START_TEST(${test#*:})" "tests/${test%%:*}" || fail "SECURITY.md names $test, which is not there" ;;
    esac
done
exit "$failed"
