#ifndef LESSON9_INCIDENT_H
#define LESSON9_INCIDENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What the server of lesson 9 does for each client, whatever its trade is this time: the module that each
 * case has anew, with one flaw. The names inside change from case to case; these functions, and what they
 * promise, do not.
 *
 * Every function may be called from any thread at any time, incident_free apart. While examine, confirm or
 * quote is at it for one job, other jobs get through. incident_refresh waits for none but those that were
 * being quoted when it came. All that a job needs it gives back; what waits sleeps, and is woken when there
 * is something for it to do.
 */
struct incident;

enum { INCIDENT_PENDING_MAX = 64 };

/* Any number of threads may be in the first three at once; what is archived, one at a time. */
struct incident_config {
    size_t workers;                                                           /* threads that stand by */
    uint32_t (*examine)(void *closure, const char *client, const char *text); /* takes processor time */
    void (*confirm)(void *closure, uint64_t number, const char *client);      /* waits for a partner */
    uint32_t (*quote)(void *closure, const char *client, uint32_t base);      /* waits for another */
    void (*archive)(void *closure, const char *line);                         /* waits for one that is slow */
    void *closure;
};

struct incident *incident_new(const struct incident_config *config); /* NULL when memory runs out */

/* When it returns, what was pending has been archived, and all threads are gone. Nobody may still use it. */
void incident_free(struct incident *incident); /* NULL is allowed */

/*
 * A job. The text is words with spaces between them. The answer is the caller's to free; NULL when memory
 * runs out. A line "CLIENT TEXT" goes to the archive, cut to a few thousand bytes, and is not waited for.
 * While INCIDENT_PENDING_MAX lines wait, a job may give its line up, and count it, or wait itself.
 */
char *incident_handle(struct incident *incident, const char *client, const char *text);

/* Another base for what is quoted from now on. */
void incident_refresh(struct incident *incident, uint32_t base);

struct incident_figures {
    uint64_t jobs, score; /* jobs examined, and the sum of what they scored */
    uint64_t words;       /* in their texts */
    uint64_t told;        /* clients, which may be a moment late */
    uint64_t given_up;    /* lines */
};

void incident_stats(struct incident *incident, struct incident_figures *out);

#endif
