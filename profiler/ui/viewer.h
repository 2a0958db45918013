#ifndef UI_VIEWER_H
#define UI_VIEWER_H

#include "base/buf.h"
#include "base/error.h"

#include <signal.h>
#include <stdbool.h>

/*
 * Shows a report in another program: what[0] is what it is for (a browser, say), then program lines, the
 * first of which that is installed is started with the name of a file that holds the report. "$BROWSER" is
 * that of the environment, "desktop:..." only counts on a desktop. NULL ends.
 *
 * With `wait` until it has ended; else it runs in the background. ERR_NOTFOUND, ERR_IO, ERR_NOMEM.
 */
int viewer_show(const struct buf *report, const char *suffix, const char *const what[], bool wait,
    const volatile sig_atomic_t *cancel, struct error *error);

/* Shows what has an address of its own, without waiting. */
int viewer_open(const char *url, const char *const what[], struct error *error);

/* Removes the files that were shown; before the process ends. */
void viewer_remove_files(void);

#endif
