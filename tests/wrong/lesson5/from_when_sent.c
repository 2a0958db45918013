/* fails: latency_from_when_due */
/* Requests leave when they are due, but the clock starts when they leave: those who wait for their turn do
 * not count as waiting. */
#define SINCE_NS(due_ns, sent_ns) (sent_ns)
#include "almost_stopwatch.h"
