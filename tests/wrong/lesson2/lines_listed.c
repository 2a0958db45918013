/* fails: report_at_once; in: session_report.c */
/* Not joined any more, and each line freed as soon as it is read; but they are all there when the first is.
 */
#include "lesson2/session_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct line {
    struct line *next;
    char *text;
};

struct report {
    struct line *first, **end;
    size_t at;
};

static void add_line(void *closure, const struct session_view *session)
{
    struct report *r = closure;
    struct line *line = calloc(1, sizeof *line);
    char pages[1024] = "";
    for (size_t i = 0; i < session->npages; i++)
        snprintf(
            pages + strlen(pages), sizeof pages - strlen(pages), "%s%s", i ? "," : "", session->pages[i]);
    if (asprintf(
            &line->text, "%s\t%zu\t%s\t%s\n", session->token, session->npages, pages, session->settings) < 0)
        abort();
    *r->end = line;
    r->end = &line->next;
}

struct report *report_new(struct sessions *all)
{
    struct report *r = calloc(1, sizeof *r);
    r->end = &r->first;
    for (size_t shelf = 0; shelf < sessions_shelves(all); shelf++)
        sessions_visit(all, shelf, add_line, r);
    return r;
}

static void drop_first(struct report *r)
{
    struct line *line = r->first;
    r->first = line->next;
    r->at = 0;
    free(line->text);
    free(line);
}

long report_read(struct report *r, char *to, size_t cap)
{
    if (!r->first)
        return 0;
    size_t left = strlen(r->first->text + r->at), n = left < cap ? left : cap;
    memcpy(to, r->first->text + r->at, n);
    r->at += n;
    if (n == left)
        drop_first(r);
    return (long)n;
}

void report_free(struct report *r)
{
    while (r->first)
        drop_first(r);
    free(r);
}
