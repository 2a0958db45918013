#ifndef TESTS_STACKS_PROFILE_H
#define TESTS_STACKS_PROFILE_H

#include "model/profile.h"

#include <stdio.h>
#include <string.h>

/*
 * A profile of one value from stacks as text, root first: "main;serve;cache_get;pthread_mutex_lock". A name
 * of pthread_... or libc's is where libc is mapped, the rest in /srv/app; ":" begins the source file.
 */
struct stack_line {
    const char *stack;
    int64_t value;
};

static inline uint32_t stack_frame(struct profile *p, const char *name, size_t len)
{
    char copy[200];
    snprintf(copy, sizeof copy, "%.*s", (int)len, name);
    for (size_t i = 0; i < p->functions.len; i++)
        if (strcmp(p->functions.items[i].name, copy) == 0)
            return (uint32_t)i;
    uint32_t function, location;
    profile_add_function(p, &(struct function){.name = profile_string(p, copy)}, &function);
    struct line line = {.function = function, .line = 1};
    bool libc = strcmp(copy, "memcpy") == 0 || strcmp(copy, "start_thread") == 0;
    profile_add_location(
        p, &(struct location){.address = 0x1000 + 16 * function, .mapping = libc}, &line, 1, &location);
    return location;
}

static inline struct profile *stacks_profile(
    const char *type, const char *unit, int64_t seconds, const struct stack_line *lines, size_t n)
{
    struct profile *p = profile_new(NULL);
    profile_add_sample_type(p, profile_string(p, type), profile_string(p, unit));
    profile_add_mapping(p, &(struct mapping){.file = profile_string(p, "/srv/app")}, NULL);
    profile_add_mapping(p, &(struct mapping){.file = profile_string(p, "/lib/libc.so.6")}, NULL);
    p->duration_nanos = seconds * 1000000000;
    for (size_t i = 0; i < n; i++) {
        uint32_t locs[32], depth = 0;
        for (const char *at = lines[i].stack; *at && depth < 32; depth++) {
            size_t len = strcspn(at, ";");
            memmove(locs + 1, locs, depth * sizeof *locs);
            locs[0] = stack_frame(p, at, len);
            at += len + (at[len] == ';');
        }
        profile_add_sample(p, locs, depth, &lines[i].value, NULL, 0);
    }
    return p;
}

#endif
