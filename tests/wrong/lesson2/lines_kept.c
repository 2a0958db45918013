/* fails: report_at_once; in: session_report.c */
/* Written while it is read, and never forgotten: at the end all of it is there, half of the original's. */
#define FORGET(r) ((void)(r))
#include "almost_report.h"
