#include "export/names.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static struct symbolizer *shared; /* guarded by turn */

static int create(struct error *error)
{
    struct intern *strings = intern_new();
    if (!strings)
        return error_set(error, ERR_NOMEM, "out of memory");
    int code = symbolizer_new_self(strings, &shared, error);
    intern_unref(strings);
    return code;
}

struct symbolizer *names_begin(struct error *error)
{
    pthread_mutex_lock(&turn);
    if (!shared && create(error)) {
        pthread_mutex_unlock(&turn);
        return NULL;
    }
    symbolizer_refresh(shared);
    return shared;
}

void names_end(struct symbolizer *s)
{
    symbolizer_rest(s);
    pthread_mutex_unlock(&turn);
}

static int ascending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

void names_prime(struct symbolizer *s, const struct snapshot *snapshot)
{
    VEC(uint64_t) new = {0};
    struct symbol_frame frames[SYMBOL_MAX_INLINE];
    for (size_t i = 0; i < snapshot->records.len; i++) {
        const struct snapshot_record *r = &snapshot->records.items[i];
        for (uint32_t k = 0; k < r->depth; k++) {
            uint64_t address = names_address(r, snapshot->pcs.items + r->first_pc, k);
            if (!symbolizer_knows(s, address) && !vec_push(&new, address))
                break;
        }
    }
    if (new.len)
        qsort(new.items, new.len, sizeof *new.items, ascending);
    for (size_t i = 0; i < new.len; i++)
        if (i == 0 || new.items[i] != new.items[i - 1])
            symbolizer_frames(s, new.items[i], frames, SYMBOL_MAX_INLINE);
    vec_fini(&new);
}

void names_forget(void)
{
    pthread_mutex_lock(&turn);
    symbolizer_free(shared);
    shared = NULL;
    pthread_mutex_unlock(&turn);
}

void names_after_fork(void)
{
    pthread_mutex_init(&turn, NULL);
    shared = NULL;
}

static void place(struct symbolizer *s, uint64_t address, char text[NAMES_TEXT_BYTES])
{
    int object = symbolizer_find(s, address);
    if (object < 0) {
        snprintf(text, NAMES_TEXT_BYTES, "0x%" PRIx64, address);
        return;
    }
    const char *path = symbolizer_object(s, (size_t)object)->path;
    const char *slash = strrchr(path, '/');
    snprintf(text, NAMES_TEXT_BYTES, "%.200s+0x%" PRIx64, slash ? slash + 1 : path,
        symbolizer_offset(s, (size_t)object, address));
}

size_t names_frames(struct symbolizer *s, uint64_t address, struct symbol_frame frames[SYMBOL_MAX_INLINE],
    char text[NAMES_TEXT_BYTES], bool *named)
{
    size_t n = symbolizer_frames(s, address, frames, SYMBOL_MAX_INLINE);
    *named = n > 0;
    if (n)
        return n;
    uint64_t start = symbolizer_start(s, address);
    place(s, start, text);
    frames[0] = (struct symbol_frame){text, text, "", 0, 0, start};
    return 1;
}
