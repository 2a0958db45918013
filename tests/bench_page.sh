#!/bin/sh
# What make bench prints, and the page that it leaves: each row of the table, with the command behind it, which makes that
# row again; verdicts told apart, lines drawn; what programs said is text and not markup; and nothing comes from elsewhere.
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
# shellcheck source=tests/outcome.sh
. tests/outcome.sh
# shellcheck source=tests/bench/common.sh
raw='' && . tests/bench/common.sh
trap 'rm -rf "$dir" "$raw"' EXIT
{
    echo 'machine: some <processor>, 2 cores, load 0.1'
    row figure ours peer bar ''
    echo 'make bench PART=locks (3 s)'
    row 'lock & unlock' '17.1 ns' 1.25 ok 'Go: 12 ns' 'brpc: skipped, no brpc'
    row 'contended' '2.00' 1.25 MISSED
    echo '    part       1.0 ns each'
    echo 'make bench PART=heap (10 s)'
    row 'a figure of none' '<script>alert(1)</script>' - -
} >"$dir/table"
printf '%s\n' 'threads 10 0.2' 'threads 100 0.9' 'threads 10000 60' 'size 1 0' 'stacks 1 0.5' 'stacks 1000000 900' >"$dir/points"

# shellcheck disable=SC2317 # called through run
page() {
    awk -f tests/bench/page.awk "$@"
}
run page "$dir/points" "$dir/table"
expect 'a page' 0 '^<!doctype html>' 'some &lt;processor&gt;, 2 cores' '<code>make bench PART=locks</code>, which took 3 s' \
    '<td>lock &amp; unlock</td><td>17.1 ns</td><td>Go: 12 ns</td><td>1.25</td><td class="ok">ok</td>' \
    '<td></td><td></td><td>brpc: skipped, no brpc</td><td></td><td></td>' '<td class="missed">MISSED</td>' \
    '<td>part       1.0 ns each</td>' 'make bench PART=heap' '<td>&lt;script&gt;alert(1)&lt;/script&gt;</td>' \
    '<title>10,000 threads: 60 ms</title>' '>1,000,000</text>' '</body></html>'
[ "$(grep -c '<svg' "$dir/out")" = 3 ] || fail 'not three plots'
! grep -qiE 'nan|inf[^o]|https?://|<script|<link|<img|@import|url\(' "$dir/out" || fail 'a page with what should not be there'
for tag in table tr svg figure; do
    [ "$(grep -o "<${tag}[ >]" "$dir/out" | wc -l)" = "$(grep -o "</$tag>" "$dir/out" | wc -l)" ] || fail "<$tag> is not closed"
done
: >"$dir/none"
run page "$dir/none" "$dir/table"
expect 'a page without points' 0 'make bench PART=locks'
! grep -q '<svg' "$dir/out" || fail 'plots of nothing'

# The table itself, of parts that measure nothing: all the parts there are, each below its command, and what that command
# says names just these rows. Rows of what another part left would be missing then.
top=$PWD bench=$PWD/tests/bench
mkdir -p "$dir/bench" "$dir/top/.build"
cp "$bench/run.sh" "$bench/common.sh" "$bench/page.awk" "$dir/bench"
parts=$(cd "$bench" && for script in *.sh; do echo "${script%.sh}"; done | grep -vxE 'run|common')
for part in $parts; do
    printf '#!/bin/sh\n. "%s/common.sh"\nrow "figure of %s" "1 ns" 2 ok "peer: 3 ns" "another: 4 ns"\n' "$bench" "$part" >"$dir/bench/$part.sh"
done
chmod +x "$dir"/bench/*.sh
cd "$dir/top" || exit 2
run "$dir/bench/run.sh"
expect 'the table' 0 '12 bars met, 0 missed'
cp "$dir/out" "$dir/all"
rows() { # rows PART: what is below its command in what was printed last, or in FILE
    sed -n "/^make bench PART=$1 ([0-9]* s)\$/,/^make bench\|^\$/p" "${2:-$dir/out}" | grep '^  '
}
for part in $parts; do
    command=$(grep -x "make bench PART=$part ([0-9]* s)" "$dir/all")
    [ "$command" ] || fail "the rows of $part have no command above them"
    grep -B 1 "^  figure of $part " "$dir/all" | grep -qx "make bench PART=$part ([0-9]* s)" ||
        fail "the command above the row of $part is another"
    run "$dir/bench/run.sh" "$part"
    expect "$part alone" 0 '1 bars met'
    [ "$(rows "$part")" = "$(rows "$part" "$dir/all")" ] || fail "$part alone has other rows than among all"
done
# PART is what run.sh gets.
[ "$(cd "$top" && make -n bench PART=heap MAKE=: 2>/dev/null | tail -n 1)" = 'tests/bench/run.sh heap' ] || fail "make bench PART=heap does something else"
exit "$failed"
