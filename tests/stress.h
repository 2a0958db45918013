#ifndef TESTS_STRESS_H
#define TESTS_STRESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * make stress: a program with libcprof that does all that libcprof watches, at once, and clients that ask it
 * for everything, as fast as it answers, while it lacks now this and now that.
 *
 *     stress_clients.c  a process of its own: asks, politely and not, and judges each answer
 *     stress_actors.c   what the program does
 *     stress_faults.c   what the program lacks: memory, threads, the right time
 *     stress_balance.c  whether what was delivered is all there was
 *     stress_host.c     the run
 *
 * Both processes count into one `struct stress`. What nobody did is a failure as well.
 */

/* What the program lacks at the moment. */
enum stress_lack { LACKS_NOTHING, LACKS_DESCRIPTORS, LACKS_THREADS, LACKS_MEMORY, STRESS_LACKS };

enum stress_answer { ANSWERED, REFUSED, FAILED, SILENT, STRESS_ANSWERS }; /* 200, 503, 500, none */

struct stress {
    char address[64];         /* 127.0.0.1:PORT, once it serves */
    atomic_bool on;           /* clients ask; else they pause */
    atomic_bool over;         /* and end */
    atomic_int clients;       /* that have not paused */
    atomic_uint changes;      /* of lacks: odd while there is one */
    atomic_int lacks, lacked; /* enum stress_lack: now, and the last */
    atomic_long failures;

    /* polite clients: what came of requests that began or ended while the program lacked something */
    atomic_long answers[STRESS_LACKS][STRESS_ANSWERS];
    atomic_long profiles, texts, deltas;
    /* the others */
    atomic_long hung, vanished, reset, slow, garbage;
    /* an allocation of its own fails for each of these requests */
    atomic_long starved[STRESS_ANSWERS], starved_in_turn, named;
    atomic_bool was_starved; /* the last of them */

    /* stress_faults.c */
    atomic_long allocations_failed, maps_failed, creations_failed, clock_jumps;
    /* stress_host.c */
    atomic_long lacking[STRESS_LACKS], starts_failed;
};
extern struct stress *stress;

/* Says what is wrong, and the run fails. */
void stress_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ---- clients: in a process of their own -----------------------------------------------------------------
 */

/* Does not return. */
_Noreturn void clients_run(void);

/* ---- faults ---------------------------------------------------------------------------------------------
 */

/* Before there are threads; and in a forked child, which lacks nothing. */
void faults_init(void);
void faults_in_child(void);

/* The n-th allocation that the caller or the profiler's threads make from now on fails; 0: none does. */
void faults_fail_nth(long n);
/* How many there have been since. */
long faults_seen(void);

/* One in so many allocations of the profiler's threads fails, but for those for a request; 0: none. */
void faults_starve_server(long one_in);
void faults_refuse_threads(bool on);
void faults_jump_clock(int64_t ns);

/* ---- actors ---------------------------------------------------------------------------------------------
 */

struct deeds {
    atomic_long threads, no_threads; /* pthread_create that succeeded, and that did not */
    atomic_long loads, no_loads, forks, execs, profiled_children, exceptions;
    atomic_long mutexes, waits, megabytes;
};
extern struct deeds deeds;

void actors_init(void);
void actors_start(void);
void actors_stop(void); /* all of their threads have ended */
bool actors_can_throw(void);

/* pthread_create, counted; false when there was no thread to be had. */
bool deeds_thread(unsigned long *id, void *(*run)(void *arg), void *arg);

/* ---- the balance ----------------------------------------------------------------------------------------
 */

/* Writes /debug/pprof/PROFILE to a file in memory; -1. */
int balance_fetch(const char *profile);
/* What was delivered is what was done. Prints a line each. */
void balance_check(void);
/* The CPU profile in fd, which it closes: of so much, while so many threads were born. */
void balance_cpu(int fd, int64_t used_ns, long threads);

#endif
