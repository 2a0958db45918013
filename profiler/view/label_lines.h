#ifndef VIEW_LABEL_LINES_H
#define VIEW_LABEL_LINES_H

#include "base/buf.h"
#include "model/profile.h"

/*
 * The labels of a sample as text: one piece for each key of one kind, sorted. Its memory serves the next
 * sample, too. `struct label_lines l = {0};` is empty.
 */
struct label_lines {
    struct buf text; /* the pieces, each ending in a NUL */
    VEC(uint32_t) starts;
};

/* Puts the values of one key, n of them. */
typedef void (*label_put_fn)(void *context, const struct label *labels, uint32_t n, struct buf *out);

/* Makes the pieces of those that are numbers, or of those that are not. ERR_NOMEM. */
int label_lines_make(struct label_lines *l, const struct label *labels, uint32_t n, bool numbers,
    label_put_fn put, void *context);
void label_lines_fini(struct label_lines *l);

static inline const char *label_lines_get(const struct label_lines *l, size_t i)
{
    return l->text.data + l->starts.items[i];
}

#endif
