#ifndef TESTS_VARIANT_PROFILE_H
#define TESTS_VARIANT_PROFILE_H

#include "model/profile.h"

#include <stdio.h>

/*
 * Profiles of one program as it might be looked at again and again: always the same stacks, but other values.
 * So merging many gives a profile as large as each of them.
 */
enum { VARIANT_STACKS = 4000, VARIANT_FRAMES = 25 };

static inline struct profile *variant_profile(unsigned which)
{
    struct profile *p = profile_new(NULL);
    uint32_t locs[VARIANT_FRAMES], function;
    char name[40];
    profile_add_sample_type(p, profile_string(p, "cpu"), profile_string(p, "nanoseconds"));
    profile_add_mapping(p, &(struct mapping){.start = 0x1000, .limit = 0x900000}, NULL);
    for (uint32_t i = 0; i < VARIANT_STACKS; i++) {
        snprintf(name, sizeof name, "function_%u", i);
        profile_add_function(p, &(struct function){.name = profile_string(p, name)}, &function);
        profile_add_location(
            p, &(struct location){.address = 0x1000 + i}, &(struct line){.function = function}, 1, NULL);
    }
    for (uint32_t i = 0; i < VARIANT_STACKS; i++) {
        for (uint32_t k = 0; k < VARIANT_FRAMES; k++)
            locs[k] = (i * (k + 1) + k) % VARIANT_STACKS;
        profile_add_sample(p, locs, VARIANT_FRAMES, (int64_t[]){1 + (i + which) % 7}, NULL, 0);
    }
    return p;
}

#endif
