/* fails: seconds_bounded */
/* The CPU profile is not the only one that lasts as long as it is told. */
#define SECONDS_RIGHT(name, seconds) (strcmp(name, "profile") != 0 || (seconds) >= 0)
#define PASS_ON(out, name, query, seconds, hz, debug) \
    (strcmp(name, "profile") == 0                     \
            ? pass_on(out, name, seconds, hz, debug)  \
            : (void)snprintf((out)->profile, sizeof(out)->profile, "%s?%s", name, query))
#include "almost.h"
