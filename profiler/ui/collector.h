#ifndef UI_COLLECTOR_H
#define UI_COLLECTOR_H

#include "ui/options.h"

#include <sys/types.h>

/*
 * Collecting in the background (see collection_take): in a process of its own, since it lasts, and since what
 * it works on counts its users in one thread. `struct collector c = COLLECTOR_IDLE;` does nothing yet.
 */
struct collector {
    pid_t pid; /* 0: none */
    int fd;    /* where it says how it ended */
    int64_t began_ns;
    int seconds;
    struct buf said;
};

#define COLLECTOR_IDLE \
    {                  \
        .fd = -1       \
    }

/* Collects from source for so many seconds, with stats as of -stats (NULL: as o says). ERR_BUSY while it
 * still does, ERR_IO. */
int collector_start(struct collector *c, const struct options *o, const char *source, int seconds,
    const char *stats, struct error *error);

/* Whether it has just ended: then *folder (malloc'd) has what it collected, or is NULL with the error. */
bool collector_ended(struct collector *c, char **folder, struct error *error);

bool collector_runs(const struct collector *c);

/* Ends it where it is. */
void collector_fini(struct collector *c);

#endif
