#ifndef EXPORT_SERVICE_H
#define EXPORT_SERVICE_H

#include "export/guard.h"
#include "export/request.h"

#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

/*
 * What cprof_start starts: capture, the workers that make profiles of it, and the server. One a process.
 *
 *     libcprof.a    cprof.c ──► service_linked.c ──► service.c and all below it, linked in
 *     libcprof.so   cprof.c ──► service_loaded.c ──► dlopen(libcprof-export.so), which has service.c
 *                   preload.c ─┘                     and brings libmicrohttpd, libdw, protobuf-c and zlib
 *
 * Both shared objects have one capture between them, which is libcprof.so's: it must come before libc, and a
 * program that is only preloaded and not profiled must not pay for an HTTP server.
 */
struct MHD_Connection;

struct service {
    /* address may be NULL: see cprof.h. A guest is in a program that did not ask for it, and leaves the
     * limits of that alone. ERR_BUSY when the address is taken. */
    int (*start)(const char *address, bool is_guest, struct error *error);
    int (*start_capture)(struct error *error);
    void (*stop)(void);
    const char *(*address)(void);
    int (*write)(const char *profile, int fd);
    int (*handle)(struct MHD_Connection *connection, const char *url, const char *method, const char *upload,
        size_t *upload_bytes);
};

/* The service, loading it if need be; takes no lock of the library's. ERR_UNSUPPORTED when it cannot be
 * loaded. */
int service_load(const struct service **out, struct error *error);

/* The service if it is there, else NULL. */
const struct service *service_current(void);

/* One line on standard error. Not through stdio, whose stream is the program's. */
static inline void service_complain(const struct error *error)
{
    dprintf(STDERR_FILENO, "cprof: %s\n", error->text);
}

/* In service.c; the one name that libcprof-export.so exports. */
extern const struct service cprof_private_service;

/* For requests that come from inside the program and not through the server. Runs job(arg) on a worker;
 * *stop_fd is readable when it is to end, and it does before capture does. ERR_OFF when nothing is captured;
 * ERR_LIMIT. */
int service_submit(void (*job)(void *arg), void *arg, int *stop_fd);

/* guard_check by what the CPROF_ variables said at the start; ERR_OFF when nothing is captured. */
int service_admit(const struct visitor *v, const char **why);

#endif
