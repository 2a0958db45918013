#!/bin/sh
# figures.sh N FOLDER: the figures of a saved run of lesson N, a "NAME VALUE" line each, as lessons/lessonN/bands.tsv
# names them.
. "$(dirname "$0")/common.sh"
[ $# -eq 2 ] || die "usage: figures.sh N FOLDER"
lesson_load "$1"
. exercises/engine/reading.sh
folder=$(given_path "${2%/}")
[ -d "$folder" ] || die "there is no folder $2"
figures "$folder"
