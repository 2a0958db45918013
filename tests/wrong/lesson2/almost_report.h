/*
 * A right session_report.c with seams, as almost_session.h is a right session_table.c.
 */
#include "lesson2/session_report.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef FORGET /* what was read of the lines of one shelf makes room for those of the next */
#define FORGET(r) ((r)->len = (r)->at = 0)
#endif
#ifndef MOST_LINES
#define MOST_LINES ((size_t)-1)
#endif
#ifndef LEFT_UNREAD /* of what a read had no room for */
#define LEFT_UNREAD(left) (left)
#endif
#ifndef FREE_LINES
#define FREE_LINES(r) free((r)->lines)
#endif
#ifndef SHELVES_AT_ONCE
#define SHELVES_AT_ONCE 1
#endif

struct report {
    struct sessions *all;
    size_t shelf, nlines;
    char *lines;
    size_t len, cap, at;
};

static void append(struct report *r, const char *text)
{
    size_t more = strlen(text);
    if (r->len + more + 1 > r->cap) {
        r->cap = 2 * (r->len + more + 1);
        r->lines = realloc(r->lines, r->cap);
    }
    memcpy(r->lines + r->len, text, more + 1);
    r->len += more;
}

static void add_line(void *closure, const struct session_view *session)
{
    struct report *r = closure;
    char number[32];
    if (r->nlines++ >= MOST_LINES)
        return;
    snprintf(number, sizeof number, "\t%zu\t", session->npages);
    append(r, session->token);
    append(r, number);
    for (size_t i = 0; i < session->npages; i++) {
        append(r, i ? "," : "");
        append(r, session->pages[i]);
    }
    append(r, "\t");
    append(r, session->settings);
    append(r, "\n");
}

struct report *report_new(struct sessions *all)
{
    struct report *r = calloc(1, sizeof *r);
    r->all = all;
    return r;
}

long report_read(struct report *r, char *to, size_t cap)
{
    if (r->at == r->len) {
        FORGET(r);
        for (size_t n = 0; (n < SHELVES_AT_ONCE || r->at == r->len) && r->shelf < sessions_shelves(r->all);
             n++)
            sessions_visit(r->all, r->shelf++, add_line, r);
    }
    size_t left = r->len - r->at, n = left < cap ? left : cap;
    if (n)
        memcpy(to, r->lines + r->at, n);
    r->at = r->len - LEFT_UNREAD(left - n);
    return (long)n;
}

void report_free(struct report *r)
{
    FREE_LINES(r);
    free(r);
}
