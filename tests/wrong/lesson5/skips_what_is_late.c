/* fails: requests_leave_when_due; also: latency_from_when_due */
/* A request whose time has passed is not sent, so that nobody waits in a stall but one. */
#define LEAVES(due_ns, now_ns) ((now_ns) - (due_ns) < 1000000)
#include "almost_stopwatch.h"
