#ifndef EXPORT_DIRECT_H
#define EXPORT_DIRECT_H

#include "export/request.h"

/*
 * Requests without HTTP: the program asks for its own profiles. A worker serves them, as it does those of
 * clients, so that what is done for a profile is on none of the program's threads; these only wait.
 */

/* Waits for endpoints_serve on a worker, without that being recorded as a wait of the program's. r->stop_fd
 * is filled in; *reply is all zero before and the caller's to free. ERR_OFF when nothing is captured. */
int direct_serve(struct request *r, struct reply *reply);

/* cprof_write. */
int direct_write(const char *profile, int fd);

#endif
