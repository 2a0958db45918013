#!/bin/sh
# Continuous collection in small: the CPU profiles of all box offices over the same seconds, merged into one in which each
# sample says where it is from; who uses how much; and in what the one that uses most differs from all others.
#
#   exercises/lesson8/fleet/collect.sh [--seconds N]      60 unless told otherwise
#
# Leaves merged.pb.gz, odd.pb.gz and others.pb.gz in exercises/lesson8/profiles/fleet, and prints the commands it ran.
# shellcheck source=exercises/engine/common.sh
. "$(dirname "$0")/../../engine/common.sh"
lesson_load 8
# shellcheck source=exercises/lesson8/fleet/fleet_common.sh
. exercises/lesson8/fleet/fleet_common.sh

seconds=60
case $#,${1-},${2-} in
0,*) ;;
2,--seconds,*[!0-9]* | 2,--seconds,) die "--seconds wants a number" ;;
2,--seconds,*) seconds=$2 ;;
*) die "usage: collect.sh [--seconds N]" ;;
esac
quiet_make profiler/pprof || exit 2
merged=$state_of_fleet/merged.pb.gz odd_file=$state_of_fleet/odd.pb.gz others_file=$state_of_fleet/others.pb.gz

sources=''
for address in $(instances); do
    sources="$sources http://$address/debug/pprof/profile?seconds=$seconds"
done
show() { # show COMMAND…: prints and runs it
    printf '\n$'
    printf ' %s' "$@"
    printf '\n'
    "$@"
}

# The tool asks all of them at the same time. What it fetched it would keep; here it is merged.
echo "collecting from $(instances | wc -l) instances for $seconds s"
PPROF_TMPDIR=$(mktemp -d) || exit 2
export PPROF_TMPDIR
trap 'rm -rf "$PPROF_TMPDIR"' EXIT
# shellcheck disable=SC2086 # a list of addresses
./profiler/pprof -proto -source_label=instance -output="$merged" $sources 2>"$state_of_fleet/err.txt" ||
    { cat "$state_of_fleet/err.txt" >&2 && exit 1; }
[ "$(grep -c ': http fetch' "$state_of_fleet/err.txt")" -eq 0 ] || grep ': http fetch' "$state_of_fleet/err.txt" >&2

show ./profiler/pprof -tags -tagshow=instance "$merged"
show ./profiler/pprof -top -cum -tagroot=instance -show=^127 "$merged"

# The first value of the tag is the one with most.
odd=$(./profiler/pprof -tags -tagshow=instance "$merged" 2>/dev/null | sed -n 's/.*%): \(.*\)/\1/p' | head -n 1)
[ -n "$odd" ] || die "the merged profile has no samples: were the offices idle?"
./profiler/pprof -proto -tagfocus="instance=^$odd\$" -output="$odd_file" "$merged" 2>/dev/null || exit 1
./profiler/pprof -proto -tagignore="instance=^$odd\$" -output="$others_file" "$merged" 2>/dev/null || exit 1
echo
echo "$odd has most. Scaled to the same total, what has it that the others have not?"
show ./profiler/pprof -top -unit=ms -nodecount=8 -normalize -diff_base="$others_file" "$odd_file"
echo "$odd" >"$state_of_fleet/odd"
