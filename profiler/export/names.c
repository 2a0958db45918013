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

void names_unnamed(struct symbolizer *s, uint64_t address, char text[NAMES_UNNAMED_BYTES])
{
    int object = symbolizer_find(s, address);
    if (object < 0) {
        snprintf(text, NAMES_UNNAMED_BYTES, "0x%" PRIx64, address);
        return;
    }
    const char *path = symbolizer_object(s, (size_t)object)->path;
    const char *slash = strrchr(path, '/');
    snprintf(text, NAMES_UNNAMED_BYTES, "%.200s+0x%" PRIx64, slash ? slash + 1 : path,
        symbolizer_offset(s, (size_t)object, address));
}
