#!/bin/sh
# compile_commands.json, by which editors know how each C file is compiled: the project's and a learner's copies.
# Written only when it changes. Include folders are those of all files, since file names are unique.
#
#   editors.sh COMPILER FLAG…       as the Makefile compiles with
. "$(dirname "$0")/common.sh"
[ $# -gt 0 ] || die "usage: editors.sh COMPILER FLAG..."

flags=''
for word in "$@" -Idemos -Iexercises/engine -Itests; do
    word=$(printf '%s' "$word" | sed 's/[\\"]/\\&/g')
    flags="$flags\"$word\", "
done
# What a lesson's own checks include lies beside them.
find profiler demos exercises solutions tests "$build"/profile.pb-c.c -name '*.c' 2>/dev/null | sort |
    awk -v directory="$PWD" -v flags="$flags" '
        BEGIN { gsub(/[\\"]/, "\\\\&", directory); print "[" }
        { printf "%s  {\"directory\": \"%s\", \"file\": \"%s\", \"arguments\": [%s\"-c\", \"%s\"]}", (NR > 1 ? ",\n" : ""), directory, $0, flags, $0 }
        END { print "\n]" }' >compile_commands.json.new || exit 2
if cmp -s compile_commands.json.new compile_commands.json; then
    rm -f compile_commands.json.new
else
    mv compile_commands.json.new compile_commands.json
fi
