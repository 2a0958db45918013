#ifndef TESTS_GATEWAY_PROFILE_H
#define TESTS_GATEWAY_PROFILE_H

#include "model/profile.h"

#include <stdlib.h>

/*
 * A CPU profile as a small gateway might give it: two sample types, inlined and recursive calls, labels of
 * both kinds, a library without symbols, a stack seen twice. What the reports' goldens are made from.
 */

struct gateway_frame {
    const char *name, *file;
    int64_t start_line;
};

static const struct gateway_frame gateway_frames[] = {
    {"main", "demos/lesson6/gateway.c", 40},
    {"serve_request", "demos/lesson6/routes.c", 100},
    {"cache_get", "demos/lesson6/cache.c", 60},
    {"list_move", "demos/lesson6/cache.c", 20},
    {"json_write", "demos/lesson6/json.c", 10},
    {"json_object", "demos/lesson6/json.c", 80},
    {"json_escape", "demos/lesson6/json.c", 120},
    {"hash_key", "demos/common/hash.h", 5},
    {"cache_evict", "demos/lesson6/cache.c", 90},
};

static inline void gateway_location(struct profile *p, uint64_t address, const int (*lines)[2], uint32_t n)
{
    struct line all[4];
    for (uint32_t i = 0; i < n; i++)
        all[i] = (struct line){.function = (uint32_t)lines[i][0], .line = lines[i][1], .column = 3};
    profile_add_location(
        p, &(struct location){.address = address, .mapping = address >= 0x7f0000000000}, all, n, NULL);
}

static inline void gateway_header(struct profile *p)
{
    profile_add_sample_type(p, profile_string(p, "samples"), profile_string(p, "count"));
    profile_add_sample_type(p, profile_string(p, "cpu"), profile_string(p, "nanoseconds"));
    p->default_sample_type = profile_string(p, "cpu");
    p->period_type = (struct value_type){profile_string(p, "cpu"), profile_string(p, "nanoseconds")};
    p->period = 10000000;
    p->time_nanos = 1700000000000000000;
    p->duration_nanos = 10500000000;
    p->doc_url = profile_string(p, "https://example.com/profiles");
    profile_add_comment(p, profile_string(p, "taken under load"));
    profile_add_comment(p, profile_string(p, "#hidden from reports"));
    struct mapping m = {.start = 0x400000,
        .limit = 0x500000,
        .offset = 0,
        .file = profile_string(p, "/srv/gateway"),
        .build_id = profile_string(p, "00c0ffee"),
        .has_functions = true,
        .has_filenames = true,
        .has_line_numbers = true,
        .has_inline_frames = true};
    profile_add_mapping(p, &m, NULL);
    m = (struct mapping){.start = 0x7f0000000000,
        .limit = 0x7f0000100000,
        .offset = 0x26000,
        .file = profile_string(p, "/lib/libc.so.6"),
        .has_functions = true,
        .has_filenames = true,
        .has_line_numbers = true};
    profile_add_mapping(p, &m, NULL);
    for (size_t i = 0; i < sizeof gateway_frames / sizeof *gateway_frames; i++) {
        const struct gateway_frame *f = &gateway_frames[i];
        profile_add_function(p,
            &(struct function){.name = profile_string(p, f->name),
                .system_name = profile_string(p, f->name),
                .file = profile_string(p, f->file),
                .start_line = f->start_line},
            NULL);
    }
}

static inline void gateway_sample(
    struct profile *p, const uint32_t *locs, uint32_t n, int64_t count, const char *route, int64_t bytes)
{
    struct label labels[] = {{.key = profile_string(p, "route"), .str = profile_string(p, route)},
        {.key = profile_string(p, "bytes"),
            .num = bytes,
            .num_unit = profile_string(p, "bytes"),
            .is_num = true}};
    profile_add_sample(p, locs, n, (int64_t[]){count, count * 10000000}, labels, bytes ? 2 : route ? 1 : 0);
}

static inline struct profile *gateway_profile(void)
{
    struct profile *p = profile_new(NULL);
    gateway_header(p);
    gateway_location(p, 0x401000, (const int[][2]){{0, 52}}, 1);           /* 0 main */
    gateway_location(p, 0x402000, (const int[][2]){{1, 120}}, 1);          /* 1 serve_request */
    gateway_location(p, 0x403000, (const int[][2]){{7, 9}, {2, 66}}, 2);   /* 2 hash_key in cache_get */
    gateway_location(p, 0x403010, (const int[][2]){{3, 25}, {2, 70}}, 2);  /* 3 list_move in cache_get */
    gateway_location(p, 0x403020, (const int[][2]){{2, 71}}, 1);           /* 4 cache_get */
    gateway_location(p, 0x404000, (const int[][2]){{4, 30}}, 1);           /* 5 json_write */
    gateway_location(p, 0x405000, (const int[][2]){{5, 88}}, 1);           /* 6 json_object */
    gateway_location(p, 0x405020, (const int[][2]){{6, 122}, {5, 95}}, 2); /* 7 json_escape in json_object */
    gateway_location(p, 0x7f0000001000, NULL, 0);                          /* 8 libc */
    gateway_location(p, 0x406000, (const int[][2]){{8, 93}}, 1);           /* 9 cache_evict */
    gateway_sample(p, (uint32_t[]){3, 1, 0}, 3, 41, "users", 0);
    gateway_sample(p, (uint32_t[]){2, 1, 0}, 3, 7, "users", 0);
    gateway_sample(p, (uint32_t[]){4, 1, 0}, 3, 3, "orders", 64);
    gateway_sample(p, (uint32_t[]){7, 6, 6, 5, 1, 0}, 6, 19, "orders", 4096);
    gateway_sample(p, (uint32_t[]){6, 5, 1, 0}, 4, 11, "orders", 512);
    gateway_sample(p, (uint32_t[]){8, 5, 1, 0}, 4, 13, "users", 4096);
    gateway_sample(p, (uint32_t[]){8, 0}, 2, 2, NULL, 0);
    gateway_sample(p, (uint32_t[]){9, 4, 1, 0}, 4, 5, "users", 100);
    gateway_sample(p, (uint32_t[]){3, 1, 0}, 3, 4, "users", 0);
    return p;
}

/* Any other profile: stacks, weights and labels at random, the same for the same seed. */
static inline struct profile *random_profile(unsigned seed)
{
    struct profile *p = profile_new(NULL);
    gateway_header(p);
    for (int l = 0; l < 40; l++) {
        int lines[3][2];
        uint32_t n = 1 + (uint32_t)(rand_r(&seed) % 8 == 0) + (uint32_t)(rand_r(&seed) % 16 == 0);
        for (uint32_t i = 0; i < n; i++) {
            lines[i][0] = rand_r(&seed) % 9;
            lines[i][1] = 1 + rand_r(&seed) % 50;
        }
        gateway_location(p, 0x401000 + 16 * (uint64_t)l, (const int(*)[2])lines, n);
    }
    for (int s = 0; s < 300; s++) {
        uint32_t locs[12], n = 1 + (uint32_t)rand_r(&seed) % 12;
        for (uint32_t i = 0; i < n; i++)
            locs[i] = (uint32_t)rand_r(&seed) % 40;
        static const char *const routes[] = {"users", "orders", "health", NULL};
        const char *route = routes[rand_r(&seed) % 4];
        gateway_sample(
            p, locs, n, 1 + rand_r(&seed) % 1000, route, route ? (int64_t)1 << rand_r(&seed) % 20 : 0);
    }
    return p;
}

#endif
