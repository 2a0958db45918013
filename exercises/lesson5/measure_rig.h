#ifndef LESSON5_MEASURE_RIG_H
#define LESSON5_MEASURE_RIG_H

#include "lesson5/measure.h"

/*
 * A world around a stopwatch under test, in which time passes only when something takes time: each reading of
 * the clock a little, each call and each request what the check says. So the right answers are known
 * beforehand. One world at a time; all of it in one thread.
 */

/* ---- the module ---- */

struct measure_module {
    void (*calls)(const struct measure_clock *clock, const struct calls_plan *plan, struct calls *out);
    bool (*differ)(const struct calls *a, const struct calls *b);
    bool (*requests)(
        const struct measure_clock *clock, const struct requests_plan *plan, struct latencies *out);
};

bool measure_module_load(struct measure_module *out, const char *stem, const char *ending);

/* ---- calls ---- */

struct subject {
    int64_t (*takes_ns)(int64_t since_ns); /* a call made so long after the first one */
};

/* What was called since rig_calls began. */
extern uint64_t rig_calls_made;

/* measure_calls of the module, watched (verdict.h), in a fresh world. */
struct calls rig_calls(const struct measure_module *module, const struct calls_plan *plan);

/* ---- requests ---- */

struct service {
    const char *name;
    double rate; /* that requests are planned with */
    size_t warm_up, requests;
    /* When the answer comes to request n, sent at from_ns; 0 is when request 0 is due. */
    int64_t (*answers_ns)(uint64_t n, int64_t from_ns);
};

struct sent {
    size_t count;
    int64_t *at_ns, *answered_ns; /* of each request in turn, from when the first was sent */
};

/* measure_requests of the module on the service, watched, in a fresh world. What was sent is filled into
 * *sent, unless that is NULL; the caller frees it. */
struct latencies rig_requests(
    const struct measure_module *module, const struct service *service, struct sent *sent);
void sent_fini(struct sent *sent);

/* What is right: each request sent when it is due or when the one before it is answered, each latency from
 * when it was due. */
struct latencies service_truth(const struct service *service);

#endif
