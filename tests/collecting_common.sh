# shellcheck shell=sh disable=SC2034,SC2154 # what is set here is used by those that source it, and the other way round
# Runs of a lesson's run.sh, and what their figures are to be. Sourced; the caller has $dir, $label and $number, what all of
# its runs have in $options, and the findings of a summary, each of which says what matches $says.
# shellcheck source=tests/outcome.sh
. tests/outcome.sh

collect() { # collect NAME BUILD [OPTION…]: its folder is $folder, its figures are in $dir/NAME
    name=$1 build_of=$2
    shift 2
    # shellcheck disable=SC2086 # lists of options
    exercises/"lesson$number"/run.sh --build "$build_of" --label "$label-$name" $options "$@" \
        --url http://127.0.0.1:0 --debug http://127.0.0.1:0 >"$dir/out" 2>&1 </dev/null || {
        fail "run.sh --build $build_of $*: exit $?"
        exit 1
    }
    for folder in exercises/"lesson$number"/profiles/*-"$label-$name"; do
        :
    done
    for finding in $findings; do
        grep -q "^$finding  *$says" "$folder/summary.txt" || fail "the summary says nothing of $finding"
    done
    exercises/engine/figures.sh "$number" "$folder" >"$dir/$name" || fail "the figures cannot be read"
}

figure() { # figure NAME FIGURE
    sed -n "s/^$2 //p" "$dir/$1"
}

expect_figure() { # expect_figure NAME FIGURE AT_LEAST AT_MOST
    figure "$1" "$2" | awk -v low="$3" -v high="$4" '{ ok = $1 >= low && $1 <= high } END { exit !ok }' ||
        fail "$1: $2 is not from $3 to $4: $(figure "$1" "$2")"
}
