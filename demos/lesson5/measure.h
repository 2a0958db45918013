#ifndef LESSON5_MEASURE_H
#define LESSON5_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The team's stopwatch: how long does a call take, how long a request, and does one thing take longer than
 * another? Everything is called from the thread that measures. The clock is handed in, so that a test can set
 * it.
 */
struct measure_clock {
    int64_t (*now_ns)(void);               /* never goes back */
    void (*sleep_until_ns)(int64_t at_ns); /* returns at once when that is past */
};

/* ---- calls ---- */

/* What is measured belongs to whoever measures. The n-th call gives the n-th answer and changes nothing, and
 * is declared so: the compiler may arrange it as it likes. */
struct subject;
uint64_t subject_call(const struct subject *subject, uint64_t n) __attribute__((pure));

enum { MEASURE_RUNS_MAX = 100 };

struct calls_plan {
    const struct subject *subject;
    int64_t warm_up_ns; /* calls go on for so long before anything counts */
    int64_t run_ns;     /* a run: calls go on for so long at least */
    size_t runs;        /* 1 to MEASURE_RUNS_MAX */
};

struct calls {
    uint64_t made;                   /* calls in all runs, without the warm-up */
    size_t runs;                     /* as planned */
    double run_ns[MEASURE_RUNS_MAX]; /* for each run in turn: nanoseconds a call */
    double typical_ns;               /* nanoseconds a call: the runs' median */
};

void measure_calls(const struct measure_clock *clock, const struct calls_plan *plan, struct calls *out);

/* Does b take another time than a? By their runs, 10 or more each: what chance alone makes of one and the
 * same thing is taken for a difference once in twenty times at most, however noisy the machine is. */
bool measure_differ(const struct calls *a, const struct calls *b);

/* ---- requests ---- */

/* Request n is due at the beginning + n / rate and is sent then, or, when the one before it has no answer
 * yet, as soon as that has. */
struct requests_plan {
    double rate;                                /* a second */
    size_t warm_up;                             /* requests to begin with, which do not count */
    size_t requests;                            /* those that count, 1 or more */
    void (*request)(void *closure, uint64_t n); /* sends request n and waits for its answer */
    void *closure;
};

struct latencies {
    size_t requests;
    int64_t p50_ns, p95_ns, p99_ns; /* from when a request was due until its answer */
};

/* False when memory runs out. */
bool measure_requests(
    const struct measure_clock *clock, const struct requests_plan *plan, struct latencies *out);

#endif
