#include "lesson5/tariff.h"

#include "base/hash.h"

#include <stdlib.h>

enum { GRAMS_MAX = 30000 };

struct rule {
    uint32_t zone, grams_from, grams_to, cents;
};

struct tariff {
    size_t count;
    struct rule rules[];
};

/* Special offers first, a few grams of one zone each; what everybody pays comes last. */
struct tariff *tariff_new(size_t rules)
{
    size_t count = rules + TARIFF_ZONES;
    struct tariff *tariff = malloc(sizeof *tariff + count * sizeof *tariff->rules);
    if (!tariff)
        return NULL;
    tariff->count = count;
    for (size_t i = 0; i < rules; i++) {
        uint64_t random = hash_u64(i + 1);
        uint32_t from = (uint32_t)(random % GRAMS_MAX);
        tariff->rules[i] = (struct rule){.zone = (uint32_t)(random >> 32) % TARIFF_ZONES,
            .grams_from = from,
            .grams_to = from + 8,
            .cents = 300 + from / 20};
    }
    for (uint32_t zone = 0; zone < TARIFF_ZONES; zone++)
        tariff->rules[rules + zone] =
            (struct rule){.zone = zone, .grams_to = GRAMS_MAX, .cents = 600 + 150 * zone};
    return tariff;
}

void tariff_free(struct tariff *tariff)
{
    free(tariff);
}

struct parcel parcel_numbered(uint64_t number)
{
    uint64_t random = hash_u64(number ^ UINT64_C(0x706f7374616765));
    return (struct parcel){
        .grams = (uint32_t)(random % GRAMS_MAX), .zone = (uint32_t)(random >> 32) % TARIFF_ZONES};
}

uint32_t tariff_cents(const struct tariff *tariff, const struct parcel *parcel)
{
    const struct rule *rule = tariff->rules, *end = rule + tariff->count;
    while (rule < end && (rule->zone != parcel->zone || parcel->grams < rule->grams_from ||
                             parcel->grams >= rule->grams_to))
        rule++;
    return rule < end ? rule->cents : 0;
}
