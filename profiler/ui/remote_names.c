#include "ui/remote_names.h"

#include <stdlib.h>
#include <string.h>

static int post(
    void *context, const char *url, const char *body, size_t len, struct buf *answer, struct error *error)
{
    struct remote_names *r = context;
    struct fetch f = {.address = url, .post = body, .post_len = len};
    int code = fetch_all(&f, 1, &r->limits);
    if (!code && f.code) {
        code = f.code;
        *error = f.error;
    }
    if (!code) {
        *answer = f.bytes;
        f.bytes = (struct buf){0};
    }
    fetch_fini(&f);
    return code;
}

int remote_names_init(struct remote_names *r, const struct fetch_limits *limits)
{
    *r = (struct remote_names){.limits = *limits};
    r->limits.seconds = -1; /* a name takes none */
    r->limits.quiet = true;
    r->sources.post = post;
    r->sources.context = r;
    r->strings = intern_new();
    return r->strings ? 0 : ERR_NOMEM;
}

void remote_names_fini(struct remote_names *r)
{
    for (size_t i = 0; i < r->servers.len; i++)
        free(r->servers.items[i]);
    vec_fini(&r->servers);
    vec_fini(&r->sources.items);
    intern_unref(r->strings);
}

static struct name_server *add_server(struct remote_names *r, const char *url)
{
    struct name_server *server = calloc(1, sizeof *server);
    if (server && (server->url = intern_string(r->strings, url)) && vec_push(&r->servers, server))
        return server;
    free(server);
    return NULL;
}

int remote_names_mark(struct profile *p, const char *url)
{
    for (size_t i = 0; i < p->mappings.len; i++) {
        struct mapping *m = &p->mappings.items[i];
        if (!*m->build_id && !*m->file)
            m->file = profile_string(p, url);
        if (!m->file)
            return ERR_NOMEM;
    }
    return 0;
}

int remote_names_add(struct remote_names *r, const struct profile *p, const char *url)
{
    struct name_server *server = add_server(r, url);
    if (!server)
        return ERR_NOMEM;
    for (size_t i = 0; i < p->mappings.len; i++) {
        const struct mapping *m = &p->mappings.items[i];
        struct name_source s = {.start = m->start, .server = server};
        s.key = intern_string(r->strings, *m->build_id ? m->build_id : m->file);
        if (!s.key || !vec_push(&r->sources.items, s))
            return ERR_NOMEM;
    }
    return 0;
}

void remote_names_unmark(const struct remote_names *r, struct profile *p)
{
    for (size_t i = 0; i < p->mappings.len; i++) {
        struct mapping *m = &p->mappings.items[i];
        for (size_t k = 0; k < r->servers.len && !*m->build_id; k++)
            if (strcmp(m->file, r->servers.items[k]->url) == 0)
                m->file = intern_empty;
    }
}
