/* fails: least_recently_used_order */
/* Cheap and bounded: the victim is whatever stands in a bucket drawn at random. */
struct cache;
struct entry;
static struct entry *random_entry(struct cache *c);
#define VICTIM(c) random_entry(c)
#include "almost.h"

static struct entry *random_entry(struct cache *c)
{
    static _Thread_local uint64_t state = 88172645463325252u;
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    size_t bucket = state & c->mask;
    while (!c->buckets[bucket] || c->buckets[bucket] == c->newest)
        bucket = (bucket + 1) & c->mask;
    return c->buckets[bucket];
}
