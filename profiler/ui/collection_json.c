#include "ui/collection_json.h"

#include "view/jsontext.h"
#include "view/threadlist.h"

#include <stdio.h>
#include <string.h>

static void put_threads(const struct collection *c, struct buf *out)
{
    struct threadlist l = {0};
    const struct profile *p = c->profiles[LENS_THREADS];
    int code = c->dump.len ? threadlist_read_dump(&l, c->dump.data, c->dump.len) : ERR_NOTFOUND;
    if (code == ERR_NOTFOUND && p) {
        threadlist_fini(&l);
        code = threadlist_read_profile(&l, p);
    }
    buf_puts(out, ",\"threads\":");
    if (code)
        buf_puts(out, "null");
    else
        threadlist_put(&l, out);
    out->failed |= code == ERR_NOMEM;
    threadlist_fini(&l);
}

/* Lines that are none are passed over. */
static void put_timeline(const struct collection *c, struct buf *out)
{
    bool first = true;
    buf_puts(out, ",\"timeline\":[");
    for (const char *at = c->timeline.data ? c->timeline.data : ""; *at;) {
        size_t len = strcspn(at, "\n");
        char line[120], name[40];
        int ms;
        double value;
        snprintf(line, sizeof line, "%.*s", (int)(len < sizeof line ? len : sizeof line - 1), at);
        if (sscanf(line, "%d %39s %lf", &ms, name, &value) == 3 && value > -1e18 && value < 1e18) {
            buf_printf(out, first ? "[%d," : ",[%d,", ms);
            jsontext_put(out, name);
            buf_printf(out, ",%.15g]", value);
            first = false;
        }
        at += len + (at[len] == '\n');
    }
    buf_putc(out, ']');
}

int collection_put_json(const struct collection *c, bool threads, struct buf *out, struct error *error)
{
    struct triage t;
    struct triage_input input = {.source = c->title};
    memcpy(input.profiles, c->profiles, sizeof input.profiles);
    memcpy(input.missing, c->missing, sizeof input.missing);
    int code = triage_init(&t, &input, error);
    if (!code) {
        triage_put_json(&t, out);
        if (!out->failed)
            out->len--; /* its object goes on */
        buf_puts(out, ",\"title\":");
        jsontext_put(out, c->title);
        buf_printf(out, ",\"seconds\":%d", c->seconds);
        if (threads)
            put_threads(c, out);
        put_timeline(c, out);
        buf_putc(out, '}');
    }
    triage_fini(&t);
    return !code && out->failed ? error_set(error, ERR_NOMEM, "out of memory") : code;
}
