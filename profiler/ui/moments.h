#ifndef UI_MOMENTS_H
#define UI_MOMENTS_H

#include "ui/fetch.h"

/*
 * What is looked at now and then while profiles are collected for a whole time:
 *
 *     dumps    threads one by one (?debug=2), together with each look at all threads
 *     heaps    how much is live, between the two heap profiles that are kept
 *     stats    the server's own figures (ui/server_stats.h), once a second, when it has some
 *
 * Of the dumps that of the worst moment is kept; of the rest the timeline, a line each: "MS NAME VALUE", as
 * "3000 threads 2300", where NAME is threads, heap (live bytes) or p95_ms. Who fills a folder otherwise may
 * note whatever else has a number: pages draw that as well.
 */
enum { N_LOOKS = 4, MOST_MOMENTS = 2 * N_LOOKS + 121 };

extern const int moments_percent[N_LOOKS]; /* of the time, when there is a look */

struct moments {
    struct fetch *fetches; /* the caller's, MOST_MOMENTS of them */
    size_t n;              /* to be fetched, with the profiles */
    struct fetch first;    /* of the stats, which says whether there are any */
};

/* What to fetch from base over so many seconds, and from stats (NULL: beside the profiles), which is asked
 * once now. ERR_NOMEM. moments_fini in any case, which leaves the fetches to the caller. */
int moments_begin(struct moments *m, struct fetch *fetches, const char *base, const char *stats, int seconds,
    const struct fetch_limits *limits);
void moments_fini(struct moments *m);

/* The profiles of the same time, by when they were asked for. */
struct moments_profiles {
    const struct fetch *heap_start, *heap;
    const struct fetch *looks; /* N_LOOKS of them */
};

void moments_put_timeline(const struct moments *m, const struct moments_profiles *with, struct buf *out);

/* The dump that belongs to the look with the most threads waiting for locks, NULL when it did not come. */
const struct buf *moments_dump(const struct moments *m, const struct moments_profiles *with);

#endif
