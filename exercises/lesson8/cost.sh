#!/bin/sh
# What does a sample of each profile cost on this machine? See sample_cost.c for how it is measured; on a busy machine it is
# less exact.
# shellcheck source=exercises/engine/common.sh
. "$(dirname "$0")/../engine/common.sh"
quiet_make "$build/sample_cost" || exit 2
"$build/sample_cost"
