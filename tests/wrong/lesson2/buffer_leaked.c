/* fails: everything_given_back; in: session_report.c */
/* Small while it is read, and one buffer a report stays for ever. */
#define FREE_LINES(r) ((void)(r))
#include "almost_report.h"
