#ifndef UI_COMPARE_H
#define UI_COMPARE_H

#include "ui/options.h"

#include <signal.h>

/*
 * -compare: two folders (see ui/collection.h), what was before and what is after, as a page that is one file:
 * figures, what changed over time, and the difference of each profile as a flame graph. Its body:
 *
 *     {"before":{...},"after":{...},"flames":{"cpu":{"unit":"nanoseconds","tree":{...}},...}}
 *
 * with "name" and what collection_put_json() puts, without threads, in the first two, and the report
 * flametree of what the profiles differ by, of those that both folders have.
 */

/* Puts the page into the file of -output; standard output; on a screen, a new file. ERR_INVALID when a source
 * is no folder, and what collection_open() returns. */
int compare_run(const struct options *o, const volatile sig_atomic_t *cancel, struct error *error);

#endif
