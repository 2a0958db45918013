#ifndef EXPORT_SERVER_H
#define EXPORT_SERVER_H

#include "base/error.h"
#include "export/guard.h"
#include "export/ownthread.h"

/*
 * HTTP around endpoints_serve, on libmicrohttpd.
 *
 *     cprof-http thread: epoll, parsing, guards ──► cprof-worker threads: endpoints_serve
 *                        sends the reply        ◄── resumes the connection
 *
 * One thread runs the connections and never waits; each request runs on a worker, so that ?seconds=30 holds
 * up nobody. Rejected: libmicrohttpd's own threads (they start without telling us, and must be left out of
 * every profile from the start), its select mode (it fails once the host has 1,024 descriptors open).
 */
struct server;

enum { SERVER_MAX_CONNECTIONS = 128 };

struct server_config {
    int listen_fd; /* the server's from here on, also when server_start fails */
    bool is_unix;
    const struct guard *guard; /* this and the next: the caller's, and there until server_stop */
    struct workers *workers;
};

/* ERR_NOMEM, ERR_LIMIT, ERR_IO. */
int server_start(const struct server_config *config, struct server **out, struct error *error);

/* After workers_stop, which has their connections resumed (a daemon with suspended ones may not be stopped):
 * closes all connections, joins the thread. False when the program has closed our descriptors: the thread
 * cannot be woken, and stays behind with what it uses, the workers too. */
bool server_stop(struct server *s);

/* In the child of a fork, where the server's threads are not: lets go of the sockets that are shared with
 * the parent. The memory stays. Signal-safe. */
void server_abandon_sigsafe(struct server *s);

#endif
