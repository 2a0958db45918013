#include "model/legacy_readers.h"

#include <ctype.h>
#include <string.h>

/*
 * jemalloc's heap dump (prof.dump, opt.prof_final):
 *
 *     heap_v2/RATE
 *       t*: objects: bytes [objects: bytes] ...   all threads; then a line for each thread
 *     @ 0x... 0x...
 *       t*: live: bytes [allocated: bytes]
 *     MAPPED_LIBRARIES:
 *     /proc/PID/maps
 *
 * A stack's counts are what was sampled, and are scaled up one stack at a time: jemalloc distorts what it
 * writes so that this gives back what it knows. Without opt.prof_accum the second pair is 0 everywhere.
 */

/* Frames of the allocator, also under the prefix that a build may give its names. */
static const char allocator[] =
    "(je_|_rjem_|_rjem_je_)?(malloc|calloc|realloc|reallocarray|posix_memalign|aligned_alloc|memalign|valloc|"
    "pvalloc|mallocx|rallocx|xallocx|malloc_default|free_default)|"
    "__libc_(malloc|calloc|realloc|memalign|valloc|pvalloc)|"
    "(je_|_rjem_je_)?(prof_|imalloc|irealloc|iralloc|ialloc|do_rallocx|arena_malloc|tcache_|large_|hook_).*|"
    "(void\\* ?)?(newImpl|fallbackNewImpl|fallback_impl|handleOOM)(<.*)?(\\(.*)?|"
    "operator new(\\[\\])?(\\(.*)?";

struct pair {
    int64_t objects, bytes;
};

/* "t*: 1: 2 [3: 4]", t* or the number of a thread. */
static bool parse_counts(const char *at, bool *all, struct pair *live, struct pair *total)
{
    if (*at++ != 't')
        return false;
    size_t digits = strspn(at, "0123456789");
    *all = !digits && *at == '*';
    at += digits + *all;
    if (!(digits || *all) || *at++ != ':')
        return false;
    if (!legacy_number(&at, &live->objects) || *at++ != ':' || !legacy_number(&at, &live->bytes) ||
        strncmp(at, " [", 2) != 0)
        return false;
    at += 2;
    return legacy_number(&at, &total->objects) && *at++ == ':' && legacy_number(&at, &total->bytes) &&
           *at == ']' && live->objects >= 0 && live->bytes >= 0 && total->objects >= 0 && total->bytes >= 0;
}

static int unscale(struct legacy *l, struct pair *c, int64_t *block_bytes)
{
    if (c->objects == 0 && c->bytes)
        return legacy_fail(l, "bytes of no objects");
    if (c->objects)
        *block_bytes = c->bytes / c->objects;
    legacy_unsample(&c->objects, &c->bytes, l->p->period);
    return 0;
}

/* Of the stack in l->locs, from the line just read. */
static int add_stack(struct legacy *l, struct pair live, struct pair total)
{
    int64_t block_bytes = 0;
    int code = unscale(l, &total, &block_bytes);
    if (!code)
        code = unscale(l, &live, &block_bytes);
    const int64_t values[] = {total.objects, total.bytes, live.objects, live.bytes};
    return code ? code : legacy_add_sample(l, values, block_bytes);
}

static int read_stack_line(struct legacy *l)
{
    if (l->locs.len)
        return legacy_fail(l, "expected the counts (\"t*: ...\") of the stack before it");
    int code = legacy_add_addresses(l, legacy_trimmed(l) + 1, true, false);
    if (!code && l->locs.len == 0)
        code = legacy_fail(l, "expected addresses after the @");
    return code;
}

/* Counts of one thread are a part of what t* has. */
static int read_counts_line(struct legacy *l, bool *accumulated, bool *in_header)
{
    struct pair live, total;
    bool all;
    if (!parse_counts(legacy_trimmed(l), &all, &live, &total))
        return legacy_fail(l, "expected \"t*: objects: bytes [objects: bytes]\" or \"@ addresses\"");
    *accumulated |= total.objects > 0;
    if (*in_header || !all)
        return 0;
    if (l->locs.len == 0)
        return legacy_fail(l, "counts without a stack");
    return add_stack(l, live, total);
}

static int read_header(struct legacy *l)
{
    static const char magic[] = "heap_v2/";
    const char *at = legacy_line(l);
    if (strncmp(at, magic, strlen(magic)) != 0)
        return ERR_UNSUPPORTED;
    at += strlen(magic);
    if (!isdigit((unsigned char)*at) || !legacy_number(&at, &l->p->period) || *at || l->p->period < 1)
        return legacy_fail(l, "expected heap_v2/ and the sampling rate in bytes");
    l->says_drops = true;
    l->p->drop_frames = profile_string(l->p, allocator);
    return l->p->drop_frames ? 0 : legacy_nomem(l);
}

static int say_not_accumulated(struct legacy *l)
{
    const char *text =
        profile_string(l->p, "alloc_objects and alloc_space are 0: jemalloc ran without prof_accum:true");
    return text && !profile_add_comment(l->p, text) ? 0 : legacy_nomem(l);
}

/* Inside a shared jemalloc most functions have no names to drop them by: what is in it below the first caller
 * goes, but for one frame of a stack that has no other. */
static void drop_library(struct profile *p)
{
    for (size_t i = 0; i < p->samples.len; i++) {
        struct sample *s = &p->samples.items[i];
        while (s->nlocs > 1) {
            uint32_t m = p->locations.items[p->locs.items[s->first_loc]].mapping;
            if (m == NO_INDEX || !(strstr(p->mappings.items[m].file, "/libjemalloc") ||
                                     strstr(p->mappings.items[m].file, "/libcprof.so")))
                break;
            s->first_loc++;
            s->nlocs--;
        }
    }
}

static int read_maps(struct legacy *l)
{
    if (l->end[-1] != '\n') {
        while (l->at < l->end && legacy_next_line(l))
            ;
        return legacy_fail(l, "the dump ends within this line");
    }
    int code = legacy_read_maps(l, true);
    if (!code)
        drop_library(l->p);
    return code;
}

int legacy_read_jemalloc(struct legacy *l)
{
    static const char *const types[][2] = {{"alloc_objects", "count"}, {"alloc_space", "bytes"},
        {"inuse_objects", "count"}, {"inuse_space", "bytes"}};
    static const char *const period[2] = {"space", "bytes"};
    bool accumulated = false, in_header = true;
    legacy_next_line(l);
    int code = read_header(l);
    if (!code)
        code = legacy_types(l, types, 4, period);
    while (!code && legacy_next_line(l) && !legacy_is_map_start(legacy_line(l))) {
        const char *line = legacy_trimmed(l);
        in_header &= *line != '@';
        if (*line == '@')
            code = read_stack_line(l);
        else if (*line)
            code = read_counts_line(l, &accumulated, &in_header);
    }
    if (!code && !legacy_is_map_start(legacy_line(l)))
        code = legacy_fail(l, "the dump ends before its memory map (MAPPED_LIBRARIES)");
    if (!code && l->locs.len)
        code = legacy_fail(l, "the last stack has no counts");
    if (!code && !accumulated)
        code = say_not_accumulated(l);
    return code ? code : read_maps(l);
}
