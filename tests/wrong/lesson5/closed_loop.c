/* fails: requests_leave_when_due; also: latency_from_when_due */
/* The next request is due a pause after the last answer. */
#define DUE_NS(plan, began_ns, n) ((n) ? clock->now_ns() + (int64_t)(1e9 / (plan)->rate) : (began_ns))
#include "almost_stopwatch.h"
