/* fails: same_report; also: report_while_they_leave; in: session_report.c */
/* What has no room in the reader's buffer is lost. */
#define LEFT_UNREAD(left) 0
#include "almost_report.h"
