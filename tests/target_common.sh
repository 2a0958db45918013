# shellcheck shell=sh disable=SC2034 # what is set here is used by those that source it
# For scripts that ask tests/target (target.c) for profiles; sourced from the top folder. Sets dir, a folder that
# goes when they end, and target to its process while it lives.
B=${B:-.build}
dir=$(mktemp -d) || exit 2
target='' bad=0
program=$B/tests/target
trap '[ -z "$target" ] || kill "$target" 2>/dev/null; rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM
export HOME="$dir" PPROF_TMPDIR="$dir/saved"

# start_target ADDRESS [NAME=VALUE...]: what it says is in $dir/address and $dir/errors. It ends when we do.
start_target() {
    address=$1
    shift
    mkfifo "$dir/life"
    env "$@" "$program" "$address" <"$dir/life" >"$dir/address" 2>"$dir/errors" &
    target=$!
    exec 3>"$dir/life"
    tries=0
    until [ -s "$dir/address" ]; do
        tries=$((tries + 1))
        [ $tries -lt 100 ] || { echo "the target did not start:" && cat "$dir/errors" && exit 1; }
        sleep 0.05
    done
}
