#include "view/source_label.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* ---- names ---- */

static bool ends_with(const char *text, size_t len, const char *ending)
{
    size_t n = strlen(ending);
    return len > n && memcmp(text + len - n, ending, n) == 0;
}

static void name_file(const char *path, char *name, size_t size)
{
    static const char *const endings[] = {".gz", ".pb", ".prof"};
    const char *slash = strrchr(path, '/');
    const char *from = slash && slash[1] ? slash + 1 : path;
    size_t len = strlen(from);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (ends_with(from, len, endings[i]))
            len -= strlen(endings[i]);
    snprintf(name, size, "%.*s", (int)len, from);
}

/* "http+unix://%2Frun%2Fapp.sock": the last part is app.sock. */
static void name_socket(const char *authority, size_t len, char *name, size_t size)
{
    size_t from = 0;
    for (size_t i = 0; i + 3 <= len; i++)
        if (strncasecmp(authority + i, "%2f", 3) == 0)
            from = i + 3;
    snprintf(name, size, "%.*s", (int)(len - from), authority + from);
}

void source_label_name(const char *address, char *name, size_t size)
{
    const char *colons = strstr(address, "://");
    if (!colons) {
        name_file(address, name, size);
        return;
    }
    const char *authority = colons + 3;
    size_t len = strcspn(authority, "/?#");
    const char *at = memrchr(authority, '@', len); /* who asks is nobody's business */
    if (at) {
        len -= (size_t)(at + 1 - authority);
        authority = at + 1;
    }
    if (strncmp(address, "http+unix", 9) == 0)
        name_socket(authority, len, name, size);
    else
        snprintf(name, size, "%.*s", (int)len, authority);
}

/* ---- labels ---- */

typedef VEC(struct label) label_list;

static int add_sample(
    struct profile *p, const struct profile *from, size_t i, const struct label *more, label_list *list)
{
    const struct sample *s = &from->samples.items[i];
    list->len = 0;
    for (uint32_t k = 0; k < s->nlabels; k++) {
        const struct label *l = &from->labels.items[s->first_label + k];
        if (l->key != more->key && !vec_push(list, *l))
            return ERR_NOMEM;
    }
    if (!vec_push(list, *more))
        return ERR_NOMEM;
    return profile_add_sample(p, from->locs.items + s->first_loc, s->nlocs, profile_values(from, i),
        list->items, (uint32_t)list->len);
}

int source_label_add(const struct profile *p, const char *key, const char *name, struct profile **out)
{
    struct profile *labelled = profile_derive(p);
    label_list list = {0};
    if (!labelled)
        return ERR_NOMEM;
    struct label more = {.key = profile_string(labelled, key), .str = profile_string(labelled, name)};
    more.num_unit = profile_string(labelled, "");
    int code = more.key && more.str && more.num_unit ? 0 : ERR_NOMEM;
    for (size_t i = 0; i < p->samples.len && !code; i++)
        code = add_sample(labelled, p, i, &more, &list);
    vec_fini(&list);
    if (code)
        profile_free(labelled);
    else
        *out = labelled;
    return code;
}
