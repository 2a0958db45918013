#include "capture/labelset.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/utf8.h"
#include "capture/region.h"

#include <stdatomic.h>
#include <string.h>

enum {
    SLOTS = 2 * LABELSET_MAX_SETS, /* so that there is always an empty one */
    LARGEST_SET = sizeof(struct label_set) + LABELSET_MAX_LABELS * sizeof(struct label_pair) +
                  LABELSET_MAX_KEY + LABELSET_MAX_VALUE + 2,
    ALIGN = _Alignof(struct label_set),
    BYTES = LABELSET_MAX_SETS * (LARGEST_SET + ALIGN),
};

/* Strings of a set that came from another one are shared with that. */
struct labelset_table {
    _Atomic(const struct label_set *) slots[SLOTS];
    _Atomic uint32_t nsets;
    _Atomic uint32_t used; /* of bytes */
    _Alignas(ALIGN) char bytes[BYTES];
};

/* A set that is being looked for; the strings of pairs[fresh] are the caller's. */
struct draft {
    uint64_t hash;
    uint32_t count;
    int fresh; /* or -1 */
    struct label_pair pairs[LABELSET_MAX_LABELS];
};

static _Atomic(struct labelset_table *) the_table;
static _Atomic uint64_t lost;

/* ---- the table ------------------------------------------------------------------------------------------
 */

static struct labelset_table *table(void)
{
    struct labelset_table *t = atomic_load_explicit(&the_table, memory_order_acquire);
    if (__builtin_expect(t != NULL, 1))
        return t;
    struct labelset_table *made = region_map(sizeof *made);
    if (!made || atomic_compare_exchange_strong(&the_table, &t, made))
        return made;
    region_unmap(made, sizeof *made); /* another thread was faster */
    return t;
}

static bool pair_same(const struct label_pair *a, const struct label_pair *b)
{
    return a->hash == b->hash && (a->key == b->key || strcmp(a->key, b->key) == 0) &&
           (a->value == b->value || strcmp(a->value, b->value) == 0);
}

static bool is_draft(const struct label_set *set, const struct draft *d)
{
    if (set->hash != d->hash || set->count != d->count)
        return false;
    for (uint32_t i = 0; i < d->count; i++)
        if (!pair_same(&set->pairs[i], &d->pairs[i]))
            return false;
    return true;
}

/* The set if it is there, else NULL and where it goes. */
static const struct label_set *look(struct labelset_table *t, const struct draft *d, uint32_t *at)
{
    const struct label_set *set;
    for (; (set = atomic_load_explicit(&t->slots[*at], memory_order_acquire)); *at = (*at + 1) % SLOTS)
        if (is_draft(set, d))
            return set;
    return NULL;
}

static bool count_in(struct labelset_table *t)
{
    uint32_t n = atomic_load(&t->nsets);
    while (n < LABELSET_MAX_SETS)
        if (atomic_compare_exchange_weak(&t->nsets, &n, n + 1))
            return true;
    return false;
}

static const char *copy_text(char **to, const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = memcpy(*to, text, bytes);
    *to += bytes;
    return copy;
}

static uint32_t set_bytes(const struct draft *d)
{
    size_t bytes = sizeof(struct label_set) + d->count * sizeof(struct label_pair);
    if (d->fresh >= 0)
        bytes += strlen(d->pairs[d->fresh].key) + strlen(d->pairs[d->fresh].value) + 2;
    return (uint32_t)((bytes + ALIGN - 1) / ALIGN * ALIGN);
}

static struct label_set *write_set(char *to, const struct draft *d)
{
    struct label_set *set = (struct label_set *)to;
    char *text = (char *)&set->pairs[d->count];
    set->hash = d->hash;
    set->count = d->count;
    memcpy(set->pairs, d->pairs, d->count * sizeof *d->pairs);
    if (d->fresh >= 0) {
        set->pairs[d->fresh].key = copy_text(&text, d->pairs[d->fresh].key);
        set->pairs[d->fresh].value = copy_text(&text, d->pairs[d->fresh].value);
    }
    return set;
}

/* Makes the set and publishes it at the first empty slot from at on, unless another thread does before us. */
static const struct label_set *make(struct labelset_table *t, const struct draft *d, uint32_t at)
{
    uint32_t bytes = set_bytes(d), from = atomic_load(&t->used);
    if (!count_in(t))
        return NULL;
    do {
        if (bytes > BYTES - from) {
            atomic_fetch_sub(&t->nsets, 1);
            return NULL;
        }
    } while (!atomic_compare_exchange_weak(&t->used, &from, from + bytes));
    const struct label_set *set = write_set(t->bytes + from, d), *found = NULL;
    while (!found) {
        const struct label_set *none = NULL;
        if (atomic_compare_exchange_strong(&t->slots[at], &none, set))
            return set;
        found = look(t, d, &at);
    }
    uint32_t end = from + bytes; /* not needed: given back, if nobody has taken more meanwhile */
    atomic_compare_exchange_strong(&t->used, &end, from);
    atomic_fetch_sub(&t->nsets, 1);
    return found;
}

static const struct label_set *find_or_make(const struct draft *d, int *code)
{
    struct labelset_table *t = d->count ? table() : NULL;
    uint32_t at = (uint32_t)(d->hash % SLOTS);
    const struct label_set *set = t ? look(t, d, &at) : NULL;
    if (t && !set)
        set = make(t, d, at);
    *code = set || !d->count ? 0 : ERR_LIMIT;
    return set;
}

/* ---- drafts ---------------------------------------------------------------------------------------------
 */

static bool is_short(const char *text, size_t most)
{
    return text && *text && strnlen(text, most + 1) <= most;
}

static bool is_utf8(const char *text)
{
    uint32_t character;
    for (int bytes; *text; text += bytes)
        if ((bytes = utf8_decode(text, &character)) == 0)
            return false;
    return true;
}

/* base without key, and where in it key would be. */
static uint32_t draft_without(struct draft *d, const struct label_set *base, const char *key)
{
    uint32_t place = 0;
    d->hash = 0;
    d->count = 0;
    d->fresh = -1;
    for (uint32_t i = 0; base && i < base->count; i++) {
        int order = strcmp(base->pairs[i].key, key);
        if (order == 0)
            continue;
        place += order < 0;
        d->hash += base->pairs[i].hash;
        d->pairs[d->count++] = base->pairs[i];
    }
    return place;
}

static bool draft_add(struct draft *d, uint32_t place, const char *key, const char *value)
{
    if (d->count == LABELSET_MAX_LABELS)
        return false;
    memmove(&d->pairs[place + 1], &d->pairs[place], (d->count - place) * sizeof *d->pairs);
    struct label_pair *p = &d->pairs[place];
    *p = (struct label_pair){key, value, hash_bytes(value, strlen(value))};
    p->hash = hash_mix(p->hash, hash_bytes(key, strlen(key)));
    d->hash += p->hash;
    d->count++;
    d->fresh = (int)place;
    return true;
}

/* ---- the contract ---------------------------------------------------------------------------------------
 */

static int give_up(const struct label_set *base, const char *key, const struct label_set **out)
{
    struct draft d;
    int code;
    labelset_lose();
    draft_without(&d, base, key);
    *out = find_or_make(&d, &code);
    return ERR_LIMIT;
}

int labelset_with(
    const struct label_set *base, const char *key, const char *value, const struct label_set **out)
{
    struct draft d;
    struct labelset_table *t = table();
    if (!is_short(key, LABELSET_MAX_KEY) || !is_short(value, LABELSET_MAX_VALUE))
        return ERR_INVALID;
    uint32_t place = draft_without(&d, base, key);
    bool fits = draft_add(&d, place, key, value);
    uint32_t at = (uint32_t)(d.hash % SLOTS);
    const struct label_set *set = fits && t ? look(t, &d, &at) : NULL;
    if (!set) { /* what is there was seen to be UTF-8 when it came */
        if (!is_utf8(key) || !is_utf8(value))
            return ERR_INVALID;
        set = fits && t ? make(t, &d, at) : NULL;
    }
    if (!set)
        return give_up(base, key, out);
    *out = set;
    return 0;
}

int labelset_without(const struct label_set *base, const char *key, const struct label_set **out)
{
    struct draft d;
    int code;
    if (!is_short(key, LABELSET_MAX_KEY))
        return ERR_INVALID;
    draft_without(&d, base, key);
    const struct label_set *set = find_or_make(&d, &code);
    if (code)
        labelset_lose();
    *out = set;
    return code;
}

void labelset_lose(void)
{
    atomic_fetch_add_explicit(&lost, 1, memory_order_relaxed);
}

uint64_t labelset_lost(void)
{
    return atomic_load_explicit(&lost, memory_order_relaxed);
}

bool labelset_is_one(const void *p)
{
    const struct labelset_table *t = atomic_load(&the_table);
    uintptr_t at = (uintptr_t)p, first = (uintptr_t)(t ? t->bytes : NULL);
    return !p || (t && at >= first && at - first < BYTES && at % ALIGN == 0);
}

const char *labelset_value(const struct label_set *set, const char *key)
{
    for (uint32_t i = 0; set && i < set->count; i++)
        if (strcmp(set->pairs[i].key, key) == 0)
            return set->pairs[i].value;
    return NULL;
}
