#ifndef UI_COLLECTION_H
#define UI_COLLECTION_H

#include "ui/options.h"
#include "view/triage.h"

/*
 * The profiles of one program, taken together, as a folder:
 *
 *     cpu.pb.gz heap-start.pb.gz heap.pb.gz mutex.pb.gz block.pb.gz
 *     threads.pb.gz threads-2.pb.gz threads-3.pb.gz threads-4.pb.gz   looks at all threads, at different
 * times threads.txt    the threads one by one (?debug=2), at the look with the most of them waiting for locks
 *     timeline.txt   what changed meanwhile: see ui/moments.h
 *     about.txt      a line each: "source URL", "seconds N", "time ...", "missing NAME WHY"
 *
 * Each as the server sent it, but with names where it had only addresses, so that any pprof reads it
 * anywhere. A folder that somebody else has filled, with some of these names, opens as well.
 */
struct collection {
    char *title;
    int seconds;                        /* 0 when it does not */
    struct buf dump, timeline;          /* of threads.txt and timeline.txt; empty when they are not there */
    struct profile *profiles[N_LENSES]; /* NULL: not there, and missing says why */
    char *missing[N_LENSES];
};

/*
 * Collects for o->seconds (20 when not given) from the server that address names: any URL of it, or of one of
 * its profiles. A profile that the server lacks is written down in about.txt. *folder (malloc'd) is where
 * they are kept, below the directory for profiles.
 *
 * ERR_CANCELLED when *cancel became non-zero, with *folder set if anything had come by then, else NULL. When
 * nothing came, the reason of the first.
 */
int collection_take(const struct options *o, const char *address, const volatile sig_atomic_t *cancel,
    char **folder, struct error *error);

/* Reads a folder. Of the looks at threads, that with the most threads waiting for locks. ERR_NOTFOUND when
 * there is no profile in it, ERR_NOMEM. collection_fini in any case. */
int collection_open(struct collection *c, const struct options *o, const char *folder, struct error *error);
void collection_fini(struct collection *c);

/* Of any URL of a server: that of its profiles, http://HOST:PORT/debug/pprof. malloc'd; NULL for a file. */
char *collection_base(const char *address);

#endif
