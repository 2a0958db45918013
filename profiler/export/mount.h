#ifndef EXPORT_MOUNT_H
#define EXPORT_MOUNT_H

#include <stddef.h>

struct MHD_Connection;

/*
 * The endpoints in a daemon of the program's: cprof_mhd_handle (cprof.h).
 *
 *     the program's handler ──► mount_handle: guards, parameters ──► a worker: endpoints_serve
 *         (on the program's thread)    answers when it is called again ◄── resumes the connection
 *
 * What a request needs between two calls is in one of a few places here. Which one is noted among the values
 * that libmicrohttpd keeps for the request, and so is forgotten with it. Rejected: *con_cls, which the
 * program's completion callback may take for its own, or free, when a client goes away in between.
 */
int mount_handle(struct MHD_Connection *connection, const char *url, const char *method, const char *upload,
    size_t *upload_bytes);

/* In the child of a fork, where the workers are not. */
void mount_after_fork(void);

#endif
