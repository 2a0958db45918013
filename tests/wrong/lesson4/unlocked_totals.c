/* fails: totals_exact */
/* The totals are counted while nobody holds the lock. */
#define COUNT(figure) count_without_lock(shard, &(figure))
#include <stdint.h>
struct shard;
static void count_without_lock(struct shard *shard, uint64_t *figure);
#include "almost.h"

static void count_without_lock(struct shard *shard, uint64_t *figure)
{
    pthread_mutex_unlock(&shard->lock);
    uint64_t before = *(volatile uint64_t *)figure;
    if (before != UINT64_MAX)
        *(volatile uint64_t *)figure = before + 1;
    pthread_mutex_lock(&shard->lock);
}
