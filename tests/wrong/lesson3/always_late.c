/* fails: late_is_told_once */
/* The watcher tells of every group, in time or not. */
#define IS_LATE(group) true
#include "almost.h"
