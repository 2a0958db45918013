/* in: session_report.c */
/* Another design that is right: sixteen shelves at a time, in a buffer that grows to what those need. */
#define SHELVES_AT_ONCE 16
#include "../../wrong/lesson2/almost_report.h"
