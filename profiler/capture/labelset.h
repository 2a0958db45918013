#ifndef CAPTURE_LABELSET_H
#define CAPTURE_LABELSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Sets of labels, key → value, as Go's profiler has them. A set never changes and is never freed, and of
 * equal sets there is one: a thread carries its set as one pointer, which a handler can read and put into a
 * sample at any moment, and equal labels are equal pointers.
 *
 *     slots[hash % n ...] ─► set: hash, count, pairs[] ─► key, value       all in one region of 3 MiB,
 *                                                                          taken when the first set is made
 *
 * A new set is written where nobody sees it, then one compare-and-swap on an empty slot publishes it. So
 * there is no lock to be held by somebody who was interrupted or is not there after fork(). Rejected: freeing
 * sets that no thread has (samples have them, too, and would have to count).
 *
 * NULL is the set without labels.
 */
enum { LABELSET_MAX_LABELS = 16, LABELSET_MAX_KEY = 64, LABELSET_MAX_VALUE = 256, LABELSET_MAX_SETS = 4096 };

struct label_pair {
    const char *key, *value; /* neither empty, both UTF-8 */
    uint64_t hash;
};

struct label_set {
    uint64_t hash; /* the sum of the pairs' */
    uint32_t count;
    struct label_pair pairs[]; /* by key, as strcmp orders them */
};

/*
 * The set that has key's value changed or added, or key taken away. 0, or:
 *
 * - ERR_INVALID: key or value is NULL, empty, longer than the limits above (in bytes) or no UTF-8, which
 * would make scrapers refuse the whole profile. *out is untouched.
 *
 * - ERR_LIMIT: there are as many sets as there may be, or as many labels in this one. *out then lacks key,
 * or, if there is no such set either, is NULL: never a value that is not the thread's. Counted.
 *
 * Signal-safe; any thread.
 */
int labelset_with(
    const struct label_set *base, const char *key, const char *value, const struct label_set **out);
int labelset_without(const struct label_set *base, const char *key, const struct label_set **out);

/* One more label that could not be kept, and how many there were. Signal-safe. */
void labelset_lose(void);
uint64_t labelset_lost(void);

/* Whether p is NULL or was given out by the functions above. */
bool labelset_is_one(const void *p);

/* The value of key, or NULL. */
const char *labelset_value(const struct label_set *set, const char *key);

#endif
