/*
 * The report is written while it is read: the lines of one shelf at a time, into a buffer that the next shelf
 * uses again.
 *
 *     shelves  [ done | done | this one | ... | ... ]     lines  "a line\nanother\n"
 *                                 ^ shelf - 1                          ^ at, what was read of them
 *
 * So it needs what the fullest shelf needs, however many sessions there are. In return it is no picture of
 * one moment: who logs out before the report comes by is not in it.
 */
#include "lesson2/session_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct report {
    struct sessions *all;
    size_t shelf; /* the next to be visited */
    char *lines;  /* of the shelf before it */
    size_t len, cap;
    size_t at; /* how much of them was read */
    bool failed;
};

struct report *report_new(struct sessions *all)
{
    struct report *report = calloc(1, sizeof *report);
    if (report)
        report->all = all;
    return report;
}

static size_t bytes_of_pages(const struct session_view *session)
{
    size_t bytes = 0;
    for (size_t i = 0; i < session->npages; i++)
        bytes += strlen(session->pages[i]) + 1;
    return bytes;
}

static bool make_room(struct report *report, size_t more)
{
    size_t cap = report->cap ? report->cap : 256;
    while (cap - report->len < more)
        cap *= 2;
    if (cap == report->cap)
        return true;
    char *lines = realloc(report->lines, cap);
    if (!lines)
        return false;
    report->lines = lines;
    report->cap = cap;
    return true;
}

static void add_line(void *closure, const struct session_view *session)
{
    struct report *report = closure;
    size_t most = strlen(session->token) + bytes_of_pages(session) + strlen(session->settings) + 32;
    if (!make_room(report, most)) {
        report->failed = true;
        return;
    }
    char *begin = report->lines + report->len, *to = begin;
    to += snprintf(to, most, "%s\t%zu\t", session->token, session->npages);
    for (size_t i = 0; i < session->npages; i++)
        to = stpcpy(stpcpy(to, i ? "," : ""), session->pages[i]);
    to = stpcpy(stpcpy(to, "\t"), session->settings);
    to = stpcpy(to, "\n");
    report->len += (size_t)(to - begin);
}

/* Goes on to the next shelf with anybody on it; at the end there is nothing to be read. */
static void next_lines(struct report *report)
{
    report->len = report->at = 0;
    while (report->len == 0 && !report->failed && report->shelf < sessions_shelves(report->all))
        sessions_visit(report->all, report->shelf++, add_line, report);
}

long report_read(struct report *report, char *to, size_t cap)
{
    if (report->at == report->len)
        next_lines(report);
    if (report->failed)
        return -1;
    size_t left = report->len - report->at, n = left < cap ? left : cap;
    if (n)
        memcpy(to, report->lines + report->at, n);
    report->at += n;
    return (long)n;
}

void report_free(struct report *report)
{
    free(report->lines);
    free(report);
}
