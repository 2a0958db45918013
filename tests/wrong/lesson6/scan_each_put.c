/* fails: work_per_operation; also: waiting_against_flawed */
/* Bounded, in order, and still the whole list walked under the lock for each victim. */
struct cache;
struct entry;
static struct entry *walk_to_oldest(struct cache *c);
#define VICTIM(c) walk_to_oldest(c)
#include "almost.h"

static struct entry *walk_to_oldest(struct cache *c)
{
    struct entry *e = c->newest;
    while (e->older)
        e = e->older;
    return e;
}
