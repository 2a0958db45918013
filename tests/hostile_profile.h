#ifndef TESTS_HOSTILE_PROFILE_H
#define TESTS_HOSTILE_PROFILE_H

#include "model/profile.h"

/* A profile whose every text tries to become a part of the page that shows it. */
static const char *const hostile_names[] = {
    "<script>hacked = 1</script>",
    "</script><script>hacked = 2</script>",
    "\"><img src=x onerror=\"hacked = 3\">",
    "'); hacked = 4; ('",
    "&lt;iframe srcdoc=\"<script>parent.hacked = 5</script>\">",
    "<!--<script>hacked = 6",
    "\\u003cb onclick=hacked\\\"",
};

enum { N_HOSTILE = sizeof hostile_names / sizeof *hostile_names };

static inline struct profile *hostile_profile(void)
{
    struct profile *p = profile_new(NULL);
    uint32_t locs[N_HOSTILE], function;
    const char *bad = profile_string(p, "<script>hacked = 7</script>\" onload='hacked = 8'");
    profile_add_sample_type(p, bad, profile_string(p, "<script>hacked = 9</script>"));
    profile_add_comment(p, bad);
    profile_add_mapping(p, &(struct mapping){.start = 0x1000, .limit = 0x2000, .file = bad}, NULL);
    for (uint32_t i = 0; i < N_HOSTILE; i++) {
        struct function f = {.name = profile_string(p, hostile_names[i]), .file = bad};
        profile_add_function(p, &f, &function);
        struct line line = {.function = function, .line = 1};
        profile_add_location(p, &(struct location){.address = 0x1000 + i}, &line, 1, &locs[i]);
    }
    struct label label = {.key = bad, .str = bad};
    for (uint32_t i = 0; i < N_HOSTILE; i++)
        profile_add_sample(p, locs + i, N_HOSTILE - i, (int64_t[]){10 + i}, &label, 1);
    return p;
}

#endif
