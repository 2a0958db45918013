#ifndef LESSON2_SESSION_REPORT_H
#define LESSON2_SESSION_REPORT_H

#include "lesson2/session_table.h"

/*
 * The report on everybody who is logged in, read bit by bit, as it is sent. A line for each session, fields
 * separated by tabs:
 *
 *     TOKEN  number of pages  PAGE,PAGE,... (the oldest first)  SETTINGS
 *
 * Shelf by shelf, and on each as sessions_visit shows them. Settings have no tabs or line ends. Who logs in
 * or out while the report is read may be in it or not; everybody else is in it once.
 */
struct report;

struct report *report_new(struct sessions *all); /* NULL when memory runs out */

/* The next bytes, at most `cap` (which is 1 or more), into `to`. Returns how many: 0 at the end; -1 when
 * memory runs out. */
long report_read(struct report *report, char *to, size_t cap);

void report_free(struct report *report); /* read to the end or not */

#endif
