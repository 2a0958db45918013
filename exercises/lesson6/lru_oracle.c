/* The oracle for the order of eviction; see lru_oracle.h. */
#include "lru_oracle.h"

#include <assert.h>
#include <string.h>

void lru_oracle_init(struct lru_oracle *o, size_t capacity)
{
    assert(capacity >= 1 && capacity <= sizeof o->keys / sizeof *o->keys);
    o->capacity = capacity;
    o->count = 0;
}

int lru_oracle_rank(const struct lru_oracle *o, int key)
{
    for (size_t i = 0; i < o->count; i++)
        if (o->keys[i] == key)
            return (int)i;
    return -1;
}

/* Moves the first `rank` keys back by one, over the one at rank, and puts the key in front. */
static void put_in_front(struct lru_oracle *o, size_t rank, int key)
{
    memmove(o->keys + 1, o->keys, rank * sizeof *o->keys);
    o->keys[0] = key;
}

bool lru_oracle_get(struct lru_oracle *o, int key)
{
    int rank = lru_oracle_rank(o, key);
    if (rank < 0)
        return false;
    put_in_front(o, (size_t)rank, key);
    return true;
}

int lru_oracle_put(struct lru_oracle *o, int key)
{
    if (lru_oracle_get(o, key))
        return -1;
    int evicted = -1;
    if (o->count == o->capacity)
        evicted = o->keys[--o->count];
    put_in_front(o, o->count++, key);
    return evicted;
}
