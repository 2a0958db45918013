/* fails: same_report; in: session_report.c */
/* Bounded by leaving out whoever comes after the first thousand. */
#define MOST_LINES 1000
#include "almost_report.h"
