#!/bin/sh
# What naming addresses costs somebody's program when its debug information is large: makes a library with more than
# 100 MB of it (one object file, linked many times) and has test_bounds ask about it.
#
#   big_library.sh TEST_BOUNDS
set -eu
folder=$(mktemp -d "${TMPDIR:-/tmp}/cprof-big.XXXXXX")
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM

# Many functions, each with others inlined.
{
    cat <<'C'
struct node { struct node *next; long key, value; char name[32]; double weight; };
#define IN static inline __attribute__((always_inline))
IN long mix(long a, long b) { long t = a * 31 + b; return t ^ t >> 7; }
IN long walk(struct node *n, long s) { for (; n; n = n->next) s += mix(mix(n->key, s), n->value); return s; }
IN long both(struct node *a, struct node *b) { long x = walk(a, 1), y = walk(b, 2); return mix(x, y); }
C
    i=0
    while [ $i -lt 100 ]; do
        cat <<C
struct s$i { struct node n; int a$i, b$i; struct s$i *self; };
static __attribute__((used)) long f$i(struct s$i *s, struct node *b, long seed) {
    long local = seed + $i;
    if (s->self)
        local += both(&s->n, b);
    long other = walk(b, local);
    return mix(local, other) + s->a$i;
}
C
        i=$((i + 1))
    done
} >"$folder/many.c"
${CC:-gcc} -O2 -g -fPIC -c "$folder/many.c" -o "$folder/many.o"
i=0
while [ $i -lt 450 ]; do
    echo "$folder/many.o"
    i=$((i + 1))
done >"$folder/objects"
${CC:-gcc} -shared "@$folder/objects" -o "$folder/big.so"
size=$(readelf -SW "$folder/big.so" | sed -n 's/^ *\[[ 0-9]*\] *//; /^\.debug/p' |
    while read -r _ _ _ _ bytes _; do echo $((0x$bytes)); done | awk '{ sum += $1 } END { print sum }')
echo "a library with $((size / 1000000)) MB of debug information"
[ "$size" -gt 100000000 ]
BIG_LIBRARY=$folder/big.so "$1"
