#ifndef BASE_ASKER_H
#define BASE_ASKER_H

#include <stdbool.h>

/*
 * Who made a browser send a request, by headers that it sets itself and no page can. Without an answer that a
 * page could read, it still could have work done: a CPU profile begun, a report made.
 */
struct asker {
    const char *host, *origin;           /* Host, Origin; NULL when missing, as all of these */
    const char *fetch_site, *fetch_dest; /* Sec-Fetch-Site, Sec-Fetch-Dest */
};

/* Whether it was a page of another site: not one of ours, nor an address typed, nor a link followed (a GET
 * that becomes what the window shows). Programs that are no browser send none of these headers, and are none.
 */
bool asker_is_foreign(const struct asker *a);

#endif
