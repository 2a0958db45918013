#ifndef COMMON_LOADGEN_H
#define COMMON_LOADGEN_H

#include "base/error.h"
#include "common/histogram.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

/*
 * Open-loop HTTP load. Request n is due at start + n/rate and is sent then, whatever has become of those
 * before it: over a connection that is idle, else over a new one. Latency counts from the due time, so a
 * server that stalls is charged for everybody who came meanwhile, and so is a generator that falls behind.
 * One thread, epoll, connections kept alive.
 */
struct load_progress {
    double seconds;     /* since the start */
    uint64_t in_flight; /* requests */
    uint64_t connections;
    uint64_t p95_us; /* of those answered in the last five seconds */
    uint64_t requests, errors;
};

struct load_plan {
    struct sockaddr_storage address;
    socklen_t address_len;
    char host[256]; /* for the Host header */
    double rate;    /* requests a second */
    double seconds; /* how long requests become due; those in flight are then waited for */

    void (*path)(void *closure, uint64_t n, char *to, size_t cap); /* the path of request n */
    void (*progress)(
        void *closure, const struct load_progress *now); /* several times a second; may be NULL */
    void *closure;
    const volatile sig_atomic_t *stop; /* ends the run early when it becomes true; may be NULL */
};

struct load_report {
    uint64_t requests;  /* answered or failed */
    uint64_t errors;    /* of these: a status of 400 or more, a broken connection, no answer in the end */
    uint64_t cut_short; /* in flight when *stop ended the run; not in requests */
    struct histogram latency; /* of all requests but the errors */
    struct error error;       /* code 0, or why the run had to end: nobody listens any more */
};

/* Fills plan->address and host from "http://HOST[:PORT]"; a path there may only be "/". */
int load_plan_url(struct load_plan *plan, const char *url, struct error *error);

/* Runs the plan. Negative when it could not be begun (nobody listens), with report->error filled. */
int loadgen_run(const struct load_plan *plan, struct load_report *report);

#endif
