#ifndef EXPORT_OWNTHREAD_H
#define EXPORT_OWNTHREAD_H

#include <pthread.h>
#include <stdbool.h>

/*
 * The library's own threads inside somebody's program: all signals blocked, so that the program's handlers
 * never run on them; left out of every profile from their first instruction on.
 */
struct ownthread {
    pthread_t id;
    const char *name; /* at most 15 characters */
    void (*run)(void *arg);
    void *arg;
    pthread_mutex_t lock; /* guards begun */
    pthread_cond_t changed;
    bool begun; /* it is known to be one of ours */
};

/* Comes back once the thread is left out of everything: a dump that its creator asks for next does not show
 * it. *t stays where it is until ownthread_join. 0, ERR_LIMIT when no thread can be had. */
int ownthread_start(struct ownthread *t, const char *name, void (*run)(void *arg), void *arg);
void ownthread_join(struct ownthread *t);

/*
 * A few such threads that take jobs, made when they are needed and kept.
 */
struct workers;

struct workers *workers_new(int max); /* NULL when memory or descriptors run out */

/* Runs job(arg) on a worker. False, and nothing runs, when all `max` are busy, no thread can be had, or
 * workers_stop was called. */
bool workers_submit(struct workers *w, void (*job)(void *arg), void *arg);

/* Readable once workers_stop was called, for jobs that wait. */
int workers_stop_fd(const struct workers *w);

/* Takes no more jobs, tells those that run, waits for them, joins all. False when the program has closed our
 * descriptors: nobody can be told, and the threads and what they use stay behind. */
bool workers_stop(struct workers *w);
void workers_free(struct workers *w); /* after workers_stop, or when nothing was ever submitted */

/* In the child of a fork, where there are no threads of theirs: lets go of the descriptor. Signal-safe. */
void workers_abandon_sigsafe(struct workers *w);

#endif
