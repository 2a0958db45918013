#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H

#include <stddef.h>

/*
 * What somebody may have meant who misspelled a name: the nearest of those there are, by how many letters
 * must be changed, put in, left out or swapped with their neighbour. Names are offered one by one:
 *
 *     struct nearest n = nearest_begin(typed);
 *     for (...) nearest_offer(&n, name);
 *     if (n.best) printf("did you mean %s?", n.best);
 *
 * A third of the letters may be wrong at most (of two letters, none); the first of equals wins. A name that
 * typed is a part of costs a quarter of a letter for each that is missing. No ownership: names must live as
 * long. Pure.
 */
struct nearest {
    const char *typed, *best; /* NULL: nothing is near */
    double cost, most;
};

struct nearest nearest_begin(const char *typed);
void nearest_offer(struct nearest *n, const char *name);

#endif
