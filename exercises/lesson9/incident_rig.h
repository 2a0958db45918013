#ifndef LESSON9_INCIDENT_RIG_H
#define LESSON9_INCIDENT_RIG_H

#include "lesson9/incident.h"

#include <semaphore.h>
#include <stdatomic.h>

/*
 * What the checks put around a module under test: partners that answer at once, or when they are told to, and
 * texts made for the purpose.
 */

struct incident_module {
    struct incident *(*create)(const struct incident_config *config);
    void (*destroy)(struct incident *incident);
    char *(*handle)(struct incident *incident, const char *client, const char *text);
    void (*refresh)(struct incident *incident, uint32_t base);
    void (*stats)(struct incident *incident, struct incident_figures *out);
};

/* As module_load. */
bool incident_module_load(struct incident_module *out, const char *stem, const char *ending);

/* ---- a module under test: one at a time ---- */

void rig_open(const struct incident_module *module, size_t workers); /* or ends the case */
void rig_close(void);
char *rig_handle(const char *client, const char *text); /* the caller's to free; or ends the case */
void rig_job(int client, const char *text);             /* the same, and nobody reads the answer */
void rig_refresh(uint32_t base);
struct incident_figures rig_stats(void);

/* ---- partners ---- */

/* Called in the thread that asks, if not NULL, before the answer. rig_open sets all of them to NULL. */
extern struct rig_hooks {
    void (*examine)(const char *client);
    void (*confirm)(uint64_t number);
    void (*quote)(const char *client);
    void (*archive)(const char *line);
} rig_hooks;

uint32_t rig_score(const char *client, const char *text); /* what examining answers */
extern atomic_uint_fast64_t rig_archived;                 /* lines, since rig_open */

/* ---- waiting ---- */

void rig_nap_ms(int ms);

/* Until all threads but this one sleep, those apart that never do (`restless`); not for ever. */
void rig_rest(int restless);

/* The other threads that are not asleep, at the least, while there is nothing to do. */
int rig_restless(void);

/* ---- texts ---- */

/* n words of `different` ones, in no order; the caller's to free. */
char *rig_text(size_t n, size_t different, uint32_t seed);

#endif
