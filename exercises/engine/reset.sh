#!/bin/sh
# make resetN: a fresh working copy. Asks first, and keeps what was there under a dated name.
. "$(dirname "$0")/common.sh"
lesson_load "${1-}"

if ! is_seeded || is_untouched; then
    seed
    echo "$work is the flawed original already; nothing to reset"
    exit 0
fi
printf 'Put %s back to the flawed original? Yours is kept beside it. [y/N] ' "$MODULES"
read -r answer || answer=n
case $answer in
[Yy]*) ;;
*)
    echo "nothing was changed"
    exit 1
    ;;
esac
now=$(date +%Y-%m-%d_%H%M%S)
for module in $MODULES; do
    mv "$work/$module" "$work/$module.kept-$now" || exit 2
    echo "kept yours as $work/$module.kept-$now"
done
seed
