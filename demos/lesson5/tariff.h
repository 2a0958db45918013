#ifndef LESSON5_TARIFF_H
#define LESSON5_TARIFF_H

#include <stddef.h>
#include <stdint.h>

/* What it costs to send a parcel: a list of rules, tried in order; the first that fits gives the price. */
struct parcel {
    uint32_t grams;
    uint32_t zone; /* 0 to TARIFF_ZONES - 1 */
};

enum { TARIFF_ZONES = 8 };

struct tariff;

struct tariff *tariff_new(size_t rules); /* NULL when memory runs out */
void tariff_free(struct tariff *tariff);

/* The parcel with that number, always the same. */
struct parcel parcel_numbered(uint64_t number);

uint32_t tariff_cents(const struct tariff *tariff, const struct parcel *parcel);

#endif
