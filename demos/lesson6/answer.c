#include "lesson6/answer.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct field {
    const char *name, *value; /* both in text; the name ends in a NUL */
    size_t value_len;
};

struct answer {
    atomic_size_t references;
    size_t bytes;
    size_t nfields;
    struct field fields[]; /* and behind them the text */
};

static size_t count_lines(const char *text, size_t len)
{
    size_t n = 0;
    for (const char *p = text, *end = text + len; (p = memchr(p, '\n', (size_t)(end - p))); p++)
        n++;
    return n;
}

/* Splits one line at ": ", in place. */
static bool split(char *line, char *end, struct field *out)
{
    char *colon = memchr(line, ':', (size_t)(end - line));
    if (!colon || colon == line || end - colon < 2 || colon[1] != ' ')
        return false;
    *colon = '\0';
    *out = (struct field){.name = line, .value = colon + 2, .value_len = (size_t)(end - colon - 2)};
    return true;
}

static bool split_all(struct answer *answer, char *text, size_t len)
{
    char *line = text, *end = text + len;
    for (size_t i = 0; i < answer->nfields; i++) {
        char *newline = memchr(line, '\n', (size_t)(end - line));
        if (!split(line, newline, &answer->fields[i]))
            return false;
        line = newline + 1;
    }
    return line == end && answer->nfields > 0;
}

struct answer *answer_new(const char *text, size_t len)
{
    size_t nfields = count_lines(text, len);
    size_t bytes = sizeof(struct answer) + nfields * sizeof(struct field) + len;
    struct answer *answer = malloc(bytes);
    if (!answer)
        return NULL;
    atomic_init(&answer->references, 1);
    answer->bytes = bytes;
    answer->nfields = nfields;
    char *copy = memcpy(&answer->fields[nfields], text, len);
    if (!split_all(answer, copy, len)) {
        free(answer);
        return NULL;
    }
    return answer;
}

void *answer_retain(void *answer)
{
    atomic_fetch_add_explicit(&((struct answer *)answer)->references, 1, memory_order_relaxed);
    return answer;
}

void answer_release(void *answer)
{
    struct answer *a = answer;
    if (a && atomic_fetch_sub_explicit(&a->references, 1, memory_order_acq_rel) == 1)
        free(a);
}

size_t answer_bytes(const struct answer *answer)
{
    return answer->bytes;
}

void answer_encode(const struct answer *answer, struct json *j)
{
    json_open(j, '{');
    for (size_t i = 0; i < answer->nfields; i++) {
        const struct field *f = &answer->fields[i];
        json_key(j, f->name);
        if (json_is_number(f->value, f->value_len))
            json_raw(j, f->value, f->value_len);
        else
            json_encode_string(j, f->value, f->value_len);
    }
    json_close(j, '}');
}
