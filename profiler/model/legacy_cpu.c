#include "model/legacy_readers.h"

#include "base/hash.h"

#include <string.h>

/*
 * gperftools' CPU profile: words of 32 or 64 bits, in the byte order of the machine,
 *
 *     0 3 VERSION period_us 0   (count depth pc...)...   0 1 0   memory map
 *
 * VERSION 0 is C++, 1 Java, whose addresses are numbers of names that follow.
 */
struct words {
    const unsigned char *at, *end;
    unsigned bytes;
    bool big_endian;
};

static bool next_word(struct words *w, uint64_t *value)
{
    if ((size_t)(w->end - w->at) < w->bytes)
        return false;
    *value = 0;
    for (unsigned i = 0; i < w->bytes; i++)
        *value = *value << 8 | w->at[w->big_endian ? i : w->bytes - 1 - i];
    w->at += w->bytes;
    return true;
}

struct stack {
    uint64_t count;
    size_t first, depth; /* in pcs */
};

struct recording {
    VEC(struct stack) stacks;
    VEC(uint64_t) pcs;
};

/* Reads the header. False when it is none for words of this kind. */
static bool read_header(struct words *w, uint64_t *version, uint64_t *period_us)
{
    uint64_t zero, count, end;
    return next_word(w, &zero) && next_word(w, &count) && next_word(w, version) && next_word(w, period_us) &&
           next_word(w, &end) && zero == 0 && count == 3 && *version <= 1 && *period_us > 0 && end == 0;
}

static int fail_at(struct legacy *l, const unsigned char *start, const struct words *w, const char *what)
{
    return error_set(l->error, ERR_FORMAT, "offset %zu: %s", (size_t)(w->at - start), what);
}

static int read_stacks(struct legacy *l, struct words *w, struct recording *r)
{
    const unsigned char *start = l->at;
    while (w->at < w->end) {
        struct stack s = {.first = r->pcs.len};
        uint64_t depth;
        if (!next_word(w, &s.count) || !next_word(w, &depth))
            return fail_at(l, start, w, "the profile ends within a sample");
        if (depth > (size_t)(w->end - w->at) / w->bytes)
            return fail_at(l, start, w, "a stack that is longer than what is left of the profile");
        s.depth = (size_t)depth;
        if (!vec_reserve(&r->pcs, s.depth) || !vec_push(&r->stacks, s))
            return legacy_nomem(l);
        for (size_t i = 0; i < s.depth; i++)
            next_word(w, &r->pcs.items[r->pcs.len++]);
        if (s.count == 0 && s.depth == 1 && r->pcs.items[s.first] == 0) {
            r->stacks.len--;
            break;
        }
    }
    l->at = w->at;
    return 0;
}

/* ---- the frame that the signal handler left behind ---- */

struct tally {
    uint64_t pc;
    size_t count;
};

static bool count_pc(struct table *t, struct tally *tallies, uint32_t *n, uint64_t pc)
{
    uint32_t found;
    uint64_t hash = hash_u64(pc);
    for (size_t at = table_first(t, hash); table_next(t, hash, &at, &found);) {
        if (tallies[found].pc == pc) {
            tallies[found].count++;
            return true;
        }
    }
    tallies[*n] = (struct tally){pc, 1};
    return table_add(t, hash, (*n)++);
}

/* Above the leaf, which comes from the signal itself, nearly all stacks have one and the same frame: it is
 * the profiler's own. *pc is that frame's. */
static int find_common(const struct recording *r, bool *found, uint64_t *pc)
{
    struct table table = {0};
    struct tally *tallies = calloc(r->stacks.len + 1, sizeof *tallies);
    uint32_t n = 0;
    bool ok = tallies != NULL;
    for (size_t i = 0; i < r->stacks.len && ok; i++) {
        const struct stack *s = &r->stacks.items[i];
        if (s->depth > 1)
            ok = count_pc(&table, tallies, &n, r->pcs.items[s->first + 1]);
    }
    *found = false;
    for (uint32_t i = 0; i < n && ok && !*found; i++) {
        *found = tallies[i].count >= r->stacks.len - r->stacks.len / 32;
        *pc = tallies[i].pc;
    }
    free(tallies);
    table_fini(&table);
    return ok ? 0 : ERR_NOMEM;
}

static int drop_handler_frames(struct legacy *l, struct recording *r)
{
    for (int frames = 0; frames < 2; frames++) {
        bool found;
        uint64_t pc;
        if (find_common(r, &found, &pc))
            return legacy_nomem(l);
        for (size_t i = 0; i < r->stacks.len && found; i++) {
            struct stack *s = &r->stacks.items[i];
            if (s->depth > 1 && r->pcs.items[s->first + 1] == pc) {
                r->pcs.items[s->first + 1] = r->pcs.items[s->first];
                s->first++;
                s->depth--;
            }
        }
    }
    return 0;
}

/* ---- the profile ---- */

static int add_stacks(struct legacy *l, const struct recording *r, bool adjust)
{
    int code = 0;
    for (size_t i = 0; i < r->stacks.len && !code; i++) {
        const struct stack *s = &r->stacks.items[i];
        for (size_t k = 0; k < s->depth && !code; k++)
            code = legacy_add_address(l, r->pcs.items[s->first + k] - (adjust && k > 0));
        int64_t count = (int64_t)s->count;
        if (!code)
            code = legacy_add_sample(
                l, (const int64_t[]){count, legacy_times(count, l->p->period)}, LEGACY_NO_BLOCKS);
    }
    return code;
}

static int read_recording(struct legacy *l, struct words *w, bool java)
{
    static const char *const types[2][2] = {{"samples", "count"}, {"cpu", "nanoseconds"}};
    struct recording r = {0};
    int code = legacy_types(l, types, 2, types[1]);
    if (!code)
        code = read_stacks(l, w, &r);
    if (!code && !java)
        code = drop_handler_frames(l, &r);
    if (!code)
        code = add_stacks(l, &r, !java);
    if (!code)
        code = java ? legacy_read_java_names(l) : legacy_read_maps(l, false);
    if (!code && !java)
        legacy_drop_double_leaves(l->p);
    vec_fini(&r.stacks);
    vec_fini(&r.pcs);
    return code;
}

int legacy_read_cpu(struct legacy *l)
{
    uint64_t version, period_us;
    for (int kind = 0; kind < 4; kind++) {
        struct words w = {l->at, l->end, kind < 2 ? 4 : 8, kind % 2};
        if (!read_header(&w, &version, &period_us))
            continue;
        l->p->period = legacy_times((int64_t)period_us, 1000);
        return read_recording(l, &w, version == 1);
    }
    return ERR_UNSUPPORTED;
}
