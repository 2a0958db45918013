#include "base/intern.h"

#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

/*
 * Open addressing over pointers into large chunks: two allocations for thousands of strings. A chunk is
 * never moved or freed before the pool is.
 */
struct slot {
    const char *text;
    unsigned len;
    unsigned hash;
};

struct chunk {
    struct chunk *next;
    size_t used, size;
    char bytes[];
};

struct intern {
    struct slot *slots; /* a power of two of them, at most 3/4 taken */
    size_t mask, count, refs;
    struct chunk *chunks;
};

const char intern_empty[1] = "";

enum { FIRST_SLOTS = 256, CHUNK_BYTES = 64 * 1024 };

struct intern *intern_new(void)
{
    struct intern *pool = calloc(1, sizeof *pool);
    if (!pool)
        return NULL;
    pool->slots = calloc(FIRST_SLOTS, sizeof *pool->slots);
    if (!pool->slots) {
        free(pool);
        return NULL;
    }
    pool->mask = FIRST_SLOTS - 1;
    pool->refs = 1;
    return pool;
}

struct intern *intern_ref(struct intern *pool)
{
    pool->refs++;
    return pool;
}

void intern_unref(struct intern *pool)
{
    if (!pool || --pool->refs)
        return;
    for (struct chunk *c = pool->chunks, *next; c; c = next) {
        next = c->next;
        free(c);
    }
    free(pool->slots);
    free(pool);
}

static char *intern_space(struct intern *pool, size_t bytes)
{
    struct chunk *c = pool->chunks;
    if (!c || c->size - c->used < bytes) {
        size_t size = bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES;
        c = malloc(sizeof *c + size);
        if (!c)
            return NULL;
        *c = (struct chunk){.next = pool->chunks, .size = size};
        pool->chunks = c;
    }
    char *space = c->bytes + c->used;
    c->used += bytes;
    return space;
}

static int intern_grow(struct intern *pool)
{
    size_t mask = pool->mask * 2 + 1;
    struct slot *slots = calloc(mask + 1, sizeof *slots);
    if (!slots)
        return -1;
    for (size_t i = 0; i <= pool->mask; i++) {
        if (!pool->slots[i].text)
            continue;
        size_t at = pool->slots[i].hash & mask;
        while (slots[at].text)
            at = (at + 1) & mask;
        slots[at] = pool->slots[i];
    }
    free(pool->slots);
    pool->slots = slots;
    pool->mask = mask;
    return 0;
}

const char *intern_bytes(struct intern *pool, const char *bytes, size_t len)
{
    if (len == 0)
        return intern_empty;
    if (len >= 1u << 31)
        return NULL;
    if (pool->count * 4 >= (pool->mask + 1) * 3 && intern_grow(pool))
        return NULL;
    unsigned hash = (unsigned)hash_bytes(bytes, len);
    size_t at = hash & pool->mask;
    for (; pool->slots[at].text; at = (at + 1) & pool->mask) {
        struct slot *s = &pool->slots[at];
        if (s->hash == hash && s->len == len && memcmp(s->text, bytes, len) == 0)
            return s->text;
    }
    char *copy = intern_space(pool, len + 1);
    if (!copy)
        return NULL;
    memcpy(copy, bytes, len);
    copy[len] = '\0';
    pool->slots[at] = (struct slot){.text = copy, .len = (unsigned)len, .hash = hash};
    pool->count++;
    return copy;
}

const char *intern_string(struct intern *pool, const char *text)
{
    return intern_bytes(pool, text, strlen(text));
}
