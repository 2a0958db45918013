#ifndef LESSON6_LRU_ORACLE_H
#define LESSON6_LRU_ORACLE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The plainest least-recently-used set there is: an array of key numbers in order of use. Slow, and easy to
 * see right; a cache under test must agree with it after every operation.
 */
struct lru_oracle {
    size_t capacity, count;
    int keys[256]; /* [0] is the most recently used */
};

void lru_oracle_init(struct lru_oracle *o, size_t capacity); /* at most 256 */

/* Where the key stands in order of use (0: used last), or -1. Does not count as use. */
int lru_oracle_rank(const struct lru_oracle *o, int key);

/* A cache_get: true if it is there, and then it is the most recently used. */
bool lru_oracle_get(struct lru_oracle *o, int key);

/* A cache_put: the key evicted for it, or -1. */
int lru_oracle_put(struct lru_oracle *o, int key);

#endif
