# shellcheck shell=sh disable=SC2034,SC2154 # what is set here is used by those that source it, and the other way round
# How scripts have a browser look at pages. Sourced; $looked_at says what that is. Without Chromium or node it ends here, as
# skipped; in CI as failed. Afterwards $chromium is there, $dir is a folder of theirs and their HOME, and the processes in
# $running end with them.
build=${BUILD:-.build}
chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
without() {
    echo "no $1 here: $looked_at was not looked at"
    [ -z "$CI" ] || exit 1
    exit 77
}
[ -n "$chromium" ] || without Chromium
command -v node >/dev/null 2>&1 || without node
dir=$(mktemp -d) || exit 2
running=''
# shellcheck disable=SC2086 # a list of process ids
trap 'kill $running 2>/dev/null; rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM
export HOME="$dir" PPROF_TMPDIR="$dir/profiles" TZ=UTC
unset XDG_CONFIG_HOME CPROF_TOKEN
