#ifndef COMMON_ZIPF_H
#define COMMON_ZIPF_H

#include <stddef.h>
#include <stdint.h>

/*
 * Popularity as it is found in the world: few things are asked for often, and very many seldom. Of n things
 * the one of rank k, the first being 1, is drawn in proportion to k^-1.25. Only whole numbers are calculated
 * with, so that the same randomness gives the same things on every machine.
 */
struct zipf;

struct zipf *zipf_new(size_t n); /* 1 to 1,000,000; NULL when memory runs out */
void zipf_free(struct zipf *zipf);

/* The rank of what a random number draws, from 0. Any thread. */
size_t zipf_rank(const struct zipf *zipf, uint32_t random);

#endif
