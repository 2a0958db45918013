#ifndef EXPORT_ENVIRONMENT_H
#define EXPORT_ENVIRONMENT_H

#include "base/error.h"
#include "capture/capture.h"

#include <stdbool.h>

/* What the CPROF_ variables say. */
struct environment {
    const char *address; /* CPROF_HTTP, else 127.0.0.1:6060; in the environment */
    const char *token;   /* CPROF_TOKEN, "" when not set; in the environment */
    bool allow_remote;
    bool fork; /* CPROF_FORK: children are profiled, too */
    struct capture_config capture;
};

/* Reads the environment. ERR_INVALID names the variable, its value and what is wanted; ERR_DENIED when remote
 * clients are allowed without a token, or a variable is set in a program with more rights than who started
 * it. */
int environment_read(struct environment *out, struct error *error);

#endif
