#ifndef EXPORT_LISTENER_H
#define EXPORT_LISTENER_H

#include "base/error.h"

#include <stdbool.h>

/*
 * Where the server listens.
 */
enum { LISTENER_NAME_BYTES = 128 };

/* Binds "HOST:PORT" ("[::1]:6060" for IPv6; port 0 picks a free one) or "unix:/PATH" (%p in it is the process
 * id; only the user may connect; a socket that nobody listens on any more is replaced) and listens. *fd is
 * the caller's to close; name is the address with the true port or path. ERR_INVALID, ERR_DENIED when it is
 * not loopback and allow_remote is not set, ERR_BUSY, ERR_IO; *error names the address. */
int listener_open(
    const char *address, bool allow_remote, int *fd, char name[LISTENER_NAME_BYTES], struct error *error);

bool listener_is_unix(const char *name);

/* Removes the socket's file, if it has one. */
void listener_remove(const char *name);

#endif
