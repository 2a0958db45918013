#!/bin/sh
# The cases of lesson 9, by their seeds.
#
#   case.sh seed                 of the case that make lesson9 has begun
#   case.sh facts                the lines of lesson.conf that depend on it
#   case.sh begin SEED           another; a copy that was worked on is kept under another name
#   case.sh module SEED flawed|reference     writes its module to standard output
#   case.sh truth SEED KEY       what is true of it: check, profiles, functions, reason, hints. Worked out anew each time,
#                                so that it lies about in no file
# shellcheck source=exercises/engine/common.sh
. "$(dirname "$0")/../engine/common.sh"
here=exercises/lesson9
current=$here/.seed

is_seed() {
    case $1 in
    '' | 0* | *[!0-9]* | ???????*) die "a seed is a number from 1 to 999999, not '$1'" ;;
    esac
}

drawn() { # drawn SEED WHAT FILE…
    seed=$1 what=$2
    shift 2
    awk -v seed="$seed" -v what="$what" -f $here/case.awk $here/words.txt $here/flaws.txt "$@"
}

begin() { # begin SEED
    before=$(cat $current 2>/dev/null)
    [ "$1" != "$before" ] || return 0
    copy=$here/incident.c
    if [ -e "$copy" ]; then
        if cmp -s demos/lesson9/incident.c "$copy"; then
            rm -f "$copy"
        else
            mv "$copy" "$copy.kept-$(date +%Y-%m-%d_%H%M%S)-seed-$before" && echo "kept your copy of case $before beside the new one"
        fi
    fi
    echo "$1" >$current
    rm -f demos/lesson9/incident.c solutions/lesson9/incident.c
}

case ${1-} in
seed) cat $current 2>/dev/null || echo 1 ;;
facts)
    seed=$(cat $current 2>/dev/null || echo 1)
    drawn "$seed" truth | sed -n "s/^check \(.*\)/FLAWED_FAILS='\1'/p; s/^hints \(.*\)/HINTS='hints-\1.txt'/p"
    ;;
begin)
    is_seed "${2-}"
    begin "$2"
    ;;
module)
    is_seed "${2-}"
    case ${3-} in
    flawed | reference) drawn "$2" "$3" $here/steps/*.c.in ;;
    *) die "usage: case.sh module SEED flawed|reference" ;;
    esac
    ;;
truth)
    is_seed "${2-}"
    drawn "$2" truth | sed -n "s/^${3-} //p"
    ;;
*) die "usage: case.sh seed | facts | begin SEED | module SEED flawed|reference | truth SEED KEY" ;;
esac
