/* fails: report_at_once; in: session_report.c */
/* Nothing is kept twice any more; but at the first read every shelf is visited. */
#define SHELVES_AT_ONCE ((size_t)-1)
#include "almost_report.h"
