/* The weights of all ranks, summed up; a random number falls between two of these sums. */
#include "common/zipf.h"

#include <stdlib.h>

struct zipf {
    size_t n;
    uint64_t sums[]; /* of the weights of ranks 0 to i */
};

static uint64_t root(uint64_t x) /* the largest whole number whose square is not above x */
{
    uint64_t r = 0;
    for (uint64_t bit = UINT64_C(1) << 31; bit; bit >>= 1)
        if ((r | bit) * (r | bit) <= x)
            r |= bit;
    return r;
}

/* 2^40 k^-1.25, by way of 2^16 k^0.25. */
static uint64_t weight(uint64_t k)
{
    return (UINT64_C(1) << 56) / (k * root(root(k << 32) << 16));
}

struct zipf *zipf_new(size_t n)
{
    struct zipf *zipf = malloc(sizeof *zipf + n * sizeof *zipf->sums);
    if (!zipf)
        return NULL;
    zipf->n = n;
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        zipf->sums[i] = sum += weight(i + 1);
    return zipf;
}

void zipf_free(struct zipf *zipf)
{
    free(zipf);
}

size_t zipf_rank(const struct zipf *zipf, uint32_t random)
{
    uint64_t sum = zipf->sums[zipf->n - 1];
    uint64_t at = (sum >> 32) * random + ((sum & UINT32_MAX) * random >> 32);
    size_t low = 0, high = zipf->n - 1; /* the first rank whose sum is beyond `at` */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (zipf->sums[middle] > at)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}
