/* fails: requests_leave_when_due; also: latency_from_when_due */
/* No schedule at all: one after the other. */
#define DUE_NS(plan, began_ns, n) ((void)(plan), (void)(began_ns), (void)(n), clock->now_ns())
#include "almost_stopwatch.h"
