# shellcheck shell=sh
# For tests that play the learner: a copy of this tree with what is built, so that little is compiled again, and without
# any learner's work. Sourced from a script in tests/.
# shellcheck source=tests/outcome.sh
. "$(dirname "$0")/outcome.sh"

# copy_tree FOLDER: afterwards the working folder is the copy's top
copy_tree() {
    cd "$(dirname "$0")/.." || exit 2
    mkdir -p "$1"
    tar -cf - --exclude=./.git --exclude=./.build/tests --exclude='./.build/san-*' --exclude='./exercises/lesson*/profiles' \
        --exclude='./exercises/.progress*' . | tar -xf - -C "$1" || exit 2
    cd "$1" || exit 2
    unset MAKEFLAGS MFLAGS MAKELEVEL STRICT FORCE
    for conf in exercises/lesson*/lesson.conf; do
        (
            # shellcheck source=/dev/null # a lesson's own file
            . "./$conf"
            cd "${conf%/*}" && rm -f Makefile ./*.kept-* "$DEMO"
            for module in $MODULES; do
                stem=${module%.c}
                rm -f "$module" ../../.build/modules/"${conf%/*}/$stem".* ../../.build/"${conf%/*}/$stem".*
            done
        )
    done
}
