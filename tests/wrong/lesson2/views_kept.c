/* fails: same_report; also: report_while_they_leave report_at_once; in: session_report.c */
/* Remembers what a visit showed, which is valid for as long as the visit, and writes it down when it is read.
 */
#include "lesson2/session_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct report {
    struct session_view *views;
    size_t nviews, room, view;
    char line[2048];
    size_t len, at;
};

static void keep(void *closure, const struct session_view *session)
{
    struct report *r = closure;
    if (r->nviews == r->room) {
        r->room = r->room ? 2 * r->room : 64;
        r->views = realloc(r->views, r->room * sizeof *r->views);
    }
    r->views[r->nviews++] = *session;
}

struct report *report_new(struct sessions *all)
{
    struct report *r = calloc(1, sizeof *r);
    for (size_t shelf = 0; shelf < sessions_shelves(all); shelf++)
        sessions_visit(all, shelf, keep, r);
    return r;
}

static void write_line(struct report *r, const struct session_view *v)
{
    size_t len = (size_t)snprintf(r->line, sizeof r->line, "%.40s\t%zu\t", v->token, v->npages);
    for (size_t i = 0; i < v->npages; i++)
        len += (size_t)snprintf(r->line + len, sizeof r->line - len, "%s%.40s", i ? "," : "", v->pages[i]);
    len += (size_t)snprintf(r->line + len, sizeof r->line - len, "\t%.1000s\n", v->settings);
    r->len = len;
    r->at = 0;
}

long report_read(struct report *r, char *to, size_t cap)
{
    if (r->at == r->len && r->view < r->nviews)
        write_line(r, &r->views[r->view++]);
    size_t left = r->len - r->at, n = left < cap ? left : cap;
    memcpy(to, r->line + r->at, n);
    r->at += n;
    return (long)n;
}

void report_free(struct report *r)
{
    free(r->views);
    free(r);
}
