#include "view/label_lines.h"

#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b, void *context)
{
    const char *text = context;
    return strcmp(text + *(const uint32_t *)a, text + *(const uint32_t *)b);
}

/* How many labels from the first on have its key and are of its kind. */
static uint32_t run_length(const struct label *labels, uint32_t n)
{
    uint32_t run = 1;
    while (run < n && labels[run].is_num == labels[0].is_num && labels[run].key == labels[0].key)
        run++;
    return run;
}

int label_lines_make(struct label_lines *l, const struct label *labels, uint32_t n, bool numbers,
    label_put_fn put, void *context)
{
    l->text.len = l->starts.len = 0;
    for (uint32_t i = 0, run; i < n; i += run) {
        run = run_length(labels + i, n - i);
        if (labels[i].is_num != numbers)
            continue;
        if (!vec_push(&l->starts, (uint32_t)l->text.len))
            return ERR_NOMEM;
        put(context, labels + i, run, &l->text);
        buf_putc(&l->text, '\0');
    }
    if (l->text.failed)
        return ERR_NOMEM;
    if (l->starts.len > 1)
        qsort_r(l->starts.items, l->starts.len, sizeof *l->starts.items, compare, l->text.data);
    return 0;
}

void label_lines_fini(struct label_lines *l)
{
    buf_fini(&l->text);
    vec_fini(&l->starts);
}
