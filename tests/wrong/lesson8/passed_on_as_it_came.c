/* fails: seconds_bounded */
/* Read once here, without the escapes, and once more by the profiler, with them. */
#define DECODE(text) ((void)(text))
#define PASS_ON(out, name, query, seconds, hz, debug)                         \
    ((void)(seconds), (void)(hz), (void)(debug), (void)pass_on, (void)decode, \
        (void)snprintf((out)->profile, sizeof(out)->profile, "%s?%s", name, query))
#include "almost.h"
