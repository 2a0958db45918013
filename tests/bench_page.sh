#!/bin/sh
# The page that make bench leaves: each row of the table, with the command behind it, verdicts told apart, lines drawn; what
# programs said is text and not markup; and nothing comes from elsewhere.
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
    echo 'locks (3 s)'
    row 'lock & unlock' '17.1 ns' 1.25 ok 'Go: 12 ns' 'brpc: skipped, no brpc'
    row 'contended' '2.00' 1.25 MISSED
    echo '    part       1.0 ns each'
    echo 'heap (10 s)'
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
exit "$failed"
