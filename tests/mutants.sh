#!/bin/sh
# Do the tests notice when the code is wrong? Seeds mutants in profiler/, one at a time in a copy of the tree, the same
# number in each room: a condition negated, < for <=, + for -, && for ||, a constant one higher, a return or an assignment
# dropped (mutants.awk finds the places). Each is compiled and met by the tests in turn, first those that are about its file,
# then all that have it in them, then scripts; the first that fails, passes without it, and fails again, has killed it.
#
#   COUNT=70 SEED=1 ROOMS="base model symbol capture export view ui" mutants.sh TEST... -- TEST... -- TEST...
#
# Tests of the tool, which meet all but capture/ and export/; tests of libcprof, and scripts that need both, which meet all
# but view/ and ui/. A line for each mutant; ends with "N of M killed (P%)". Not
# counted: what does not compile, and what tests/mutants_equivalent.txt says changes nothing. Exit: 0; 1 below 80%.
# The working tree is only read. Mutants of what ends processes are left out: they could end others'.
if [ "$1" = --help ]; then
    sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"
    exit 0
fi
cd "$(dirname "$0")/.." || exit 2
wanted=${COUNT:-70} seed=${SEED:-1} rooms=${ROOMS:-base model symbol capture export view ui} limit=60
here=$(pwd)
equivalent=$here/tests/mutants_equivalent.txt
work=$(mktemp -d) || exit 2
tree=$work/tree
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
unset MAKEFLAGS MFLAGS MAKELEVEL
export CI='' HOME="$work"

which=tool
: >"$work/library" && : >"$work/both" || exit 2
for test; do
    case $test in
    --) [ $which = tool ] && which=library || which=both ;;
    *) echo "$test" >>"$work/$which" ;;
    esac
done

# Times are kept, so that there nothing is to be compiled but mutants.
mkdir "$tree" || exit 2
{
    git ls-files
    find .build \( -path '.build/*/.build' -o -path '.build/san-*' -o -path .build/fuzz -o -path .build/deb \) -prune \
        -o -type f -print
    find demos/[a-z]* solutions/lesson* profiler/pprof profiler/*.a profiler/*.so* -maxdepth 1 ! -type d -print
} | sort -u | tar -T - -cf - | tar -xf - -C "$tree" || exit 2
cd "$tree" || exit 2

# passes TEST
passes() {
    timeout -k 10 $limit "$1" >"$work/out" 2>&1 </dev/null || [ $? -eq 77 ]
}

# build TARGET...: scripts have what they need made.
build() {
    make -s "$@" >"$work/make" 2>&1
}

# Which program has which function or variable in it.
cat "$work/tool" "$work/library" | grep '^\.build' | while read -r test; do
    nm --defined-only "$test" | awk -v test="$test" '{ print $3, test }'
done >"$work/linked"

# tests_of FILE: the tests that can notice, since they have it in them: first that of its name (or of its first words), then
# those that include its header, the others, and scripts.
tests_of() {
    part=${1##*/} part=${part%.c} header=${1#profiler/} header=${header%.c}.h
    case $1 in
    */view/* | */ui/*) lists=$work/tool ;;
    */capture/* | */export/*) lists="$work/library $work/both" ;;
    *) lists="$work/tool $work/library $work/both" ;;
    esac
    # shellcheck disable=SC2086 # names of files
    {
        nm -g --defined-only ".build/${1%.c}.o" |
            awk 'NR == FNR { if (NF == 3) own[$3]; next } $1 in own { print "has", $2 }' - "$work/linked"
        cat $lists | sed -n 's/.*\.sh$/has &/p'
        while :; do
            echo ".build/tests/test_$part"
            case $part in *_*) part=${part%_*} ;; *) break ;; esac
        done
        grep -l "\"$header\"" tests/test_*.c | sed 's|\(.*\)\.c|.build/\1|'
        cat $lists
    } | awk '$1 == "has" { has[$2]; next } $1 in has && !seen[$1]++'
}

# killer FILE: the first test that fails, passes in the working tree, and fails again; 1 when none does. Tests are linked as
# they come, from the sixth on at once.
killer() {
    tests=$(tests_of "$1")
    n=0
    for test in $tests; do
        n=$((n + 1))
        # shellcheck disable=SC2046 # names of files
        [ $n -ne 6 ] || build -j2 $(echo "$tests" | grep '^\.build')
        case $test in
        .build/*) build "$test" ;;
        *) build profiler/pprof profiler/libcprof.so profiler/libcprof-export.so .build/tests/make_profile ;;
        esac
        if ! passes "$test" && (cd "$here" && passes "$test") && ! passes "$test"; then
            echo "${test##*/}"
            return 0
        fi
    done
    return 1
}

# A room's turn comes after each other's, and a file's after each other's in its room.
# shellcheck disable=SC2046,SC2086 # names of files
awk -v seed="$seed" -f "$here/tests/mutants.awk" \
    $(grep -LE '(^|[^a-z_])kill\(' $(printf 'profiler/%s/*.c\n' $rooms)) | sort -n |
    awk -F '\t' '{ print ++n[$3] "\t" $0 }' | sort -k 1,1n -k 2,2n |
    awk -F '\t' '{ print ++n[$3] "\t" $0 }' | sort -k 1,1n -k 4,4 | cut -f 5- >"$work/places"

killed=0 counted=0 skipped=0 tab=$(printf '\t')
while [ "$counted" -lt "$wanted" ] && IFS=$tab read -r file line column size what new text; do
    if grep -qF "$file | $text | $what | " "$equivalent"; then
        skipped=$((skipped + 1))
        continue
    fi
    object=.build/${file%.c}.o
    cp -p "$file" "$work/source" && cp -p "$object" "$work/object" || exit 2
    export line column size new
    awk 'NR == ENVIRON["line"] {
            $0 = substr($0, 1, ENVIRON["column"] - 1) ENVIRON["new"] substr($0, ENVIRON["column"] + ENVIRON["size"])
        } 1' "$work/source" >"$file"
    if build "$object"; then
        counted=$((counted + 1))
        if by=$(killer "$file"); then
            killed=$((killed + 1)) result="killed by $by"
        else
            result=SURVIVED
        fi
    else
        result='does not compile'
    fi
    printf '%3d  %-30s  %s:%d  %s:  %s\n' "$counted" "$result" "$file" "$line" "$what" "$text"
    cp -p "$work/source" "$file" && cp "$work/object" "$object" # the object is new, so it is linked again
done <"$work/places"

percent=$((killed * 100 / (counted ? counted : 1)))
[ $skipped -eq 0 ] || echo "$skipped more change nothing (${equivalent#"$here"/})"
echo "$killed of $counted killed ($percent%)"
[ $percent -ge 80 ]
