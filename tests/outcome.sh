# shellcheck shell=sh disable=SC2034,SC2154 # what is set here is used by those that source it, and the other way round
# How scripts judge commands. Sourced; the caller has a folder $dir, where "out" is what the last command put out, and ends
# with exit "$failed".
failed=0 code=0

fail() { # fail TEXT…
    echo "$(basename "$0" .sh): $*"
    sed 's/^/    /' "$dir/out"
    failed=1
}

run() { # run COMMAND…: its output in $dir/out, its exit code in $code
    "$@" >"$dir/out" 2>&1 </dev/null
    code=$?
}

expect() { # expect WHAT CODE [PATTERN…]: of what was run last
    what=$1
    [ "$code" -eq "$2" ] || fail "$what: exit $code, expected $2"
    shift 2
    for pattern in "$@"; do
        grep -q -- "$pattern" "$dir/out" || fail "$what: no line with '$pattern'"
    done
}
