#ifndef LESSON8_DEBUG_SERVER_H
#define LESSON8_DEBUG_SERVER_H

#include "lesson8/debug_http.h"

/*
 * The debug port as a server of its own: HTTP around debug_http.c, which decides, and cprof_write(), which
 * makes the profiles. It begins to capture at the rates that debug_http_rates() says; CPROF_HEAP_RATE,
 * CPROF_MUTEX_FRACTION and CPROF_BLOCK_RATE, if set, come before those.
 */
struct debug_server;

enum { DEBUG_SERVER_ADDRESS_MAX = 128 };

/* NULL after a line on standard error. The settings must outlive it. */
struct debug_server *debug_server_start(const char *program, const struct debug_settings *settings);

/* As it would be typed: "127.0.0.1:6060", with the true port, or "unix:/PATH". */
const char *debug_server_address(const struct debug_server *s);

/* After cprof_stop(), which ends what still runs. NULL is allowed. */
void debug_server_stop(struct debug_server *s);

#endif
