#!/bin/sh
# Ends the box offices that start.sh started.
# shellcheck source=exercises/engine/common.sh
. "$(dirname "$0")/../../engine/common.sh"
lesson_load 8
# shellcheck source=exercises/lesson8/fleet/fleet_common.sh
. exercises/lesson8/fleet/fleet_common.sh
stop_fleet
