#ifndef TESTS_SAMPLE_PROFILE_H
#define TESTS_SAMPLE_PROFILE_H

#include "model/profile.h"

/* A profile of two samples over two locations, one of them with an inlined function. */
static inline struct profile *sample_profile(void)
{
    struct profile *p = profile_new(NULL);
    profile_add_sample_type(p, profile_string(p, "samples"), profile_string(p, "count"));
    profile_add_sample_type(p, profile_string(p, "cpu"), profile_string(p, "nanoseconds"));
    uint32_t mapping, inner, outer, locs[2];
    profile_add_mapping(p,
        &(struct mapping){.start = 0x1000, .limit = 0x2000, .file = profile_string(p, "/bin/a")}, &mapping);
    profile_add_function(p, &(struct function){.name = profile_string(p, "inner")}, &inner);
    profile_add_function(p, &(struct function){.name = profile_string(p, "outer")}, &outer);
    struct line two[] = {{.function = inner, .line = 3}, {.function = outer, .line = 9}};
    profile_add_location(p, &(struct location){.address = 0x1010, .mapping = mapping}, two, 2, &locs[0]);
    profile_add_location(
        p, &(struct location){.id = 77, .address = 0x1020, .mapping = mapping}, &two[1], 1, &locs[1]);
    struct label labels[] = {{.key = profile_string(p, "size"), .num = 8, .is_num = true},
        {.key = profile_string(p, "zoo"), .str = profile_string(p, "b")},
        {.key = profile_string(p, "ant"), .str = profile_string(p, "x")},
        {.key = profile_string(p, "zoo"), .str = profile_string(p, "a")}};
    profile_add_sample(p, locs, 2, (int64_t[]){1, 10}, labels, 4);
    profile_add_sample(p, &locs[1], 1, (int64_t[]){2, 20}, NULL, 0);
    return p;
}

#endif
