#!/bin/sh
# figures.sh FOLDER: the figures of a saved run, a "NAME VALUE" line each, as lessons/lesson6/bands.tsv names them.
# shellcheck source=exercises/engine/common.sh
. "$(dirname "$0")/../engine/common.sh"
# shellcheck source=exercises/lesson6/findings.sh
. exercises/lesson6/findings.sh
folder=$(given_path "${1-}")
[ -d "$folder" ] || die "usage: figures.sh FOLDER"
figures "${folder%/}"
