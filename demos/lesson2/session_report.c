/*
 * The report is written once, line by line, and put together; what is read are then pieces of that text.
 *
 *     sessions_visit -> add_line      lines  [ * | * | * | ... ]  -> join ->  text  "a line\nanother\n..."
 */
#include "lesson2/session_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct lines {
    char **lines;
    size_t count, room;
    size_t bytes; /* of all lines together */
    bool failed;
};

struct report {
    char *text;
    size_t len, at;
};

static size_t bytes_of_pages(const struct session_view *session)
{
    size_t bytes = 0;
    for (size_t i = 0; i < session->npages; i++)
        bytes += strlen(session->pages[i]) + 1;
    return bytes;
}

static char *line_of(const struct session_view *session)
{
    size_t cap = strlen(session->token) + bytes_of_pages(session) + strlen(session->settings) + 32;
    char *line = malloc(cap);
    if (!line)
        return NULL;
    char *to = line + snprintf(line, cap, "%s\t%zu\t", session->token, session->npages);
    for (size_t i = 0; i < session->npages; i++)
        to = stpcpy(stpcpy(to, i ? "," : ""), session->pages[i]);
    to = stpcpy(stpcpy(to, "\t"), session->settings);
    stpcpy(to, "\n");
    return line;
}

static bool make_room(struct lines *all)
{
    if (all->count < all->room)
        return true;
    size_t room = all->room ? all->room * 2 : 64;
    char **lines = realloc(all->lines, room * sizeof *lines);
    if (!lines)
        return false;
    all->lines = lines;
    all->room = room;
    return true;
}

static void add_line(void *closure, const struct session_view *session)
{
    struct lines *all = closure;
    char *line = make_room(all) ? line_of(session) : NULL;
    if (!line) {
        all->failed = true;
        return;
    }
    all->lines[all->count++] = line;
    all->bytes += strlen(line);
}

static char *join_lines(const struct lines *all)
{
    char *text = malloc(all->bytes + 1), *to = text;
    for (size_t i = 0; text && i < all->count; i++)
        to = stpcpy(to, all->lines[i]);
    return text;
}

static void lines_fini(struct lines *all)
{
    for (size_t i = 0; i < all->count; i++)
        free(all->lines[i]);
    free(all->lines);
}

struct report *report_new(struct sessions *all)
{
    struct lines lines = {0};
    struct report *report = calloc(1, sizeof *report);
    for (size_t shelf = 0; shelf < sessions_shelves(all); shelf++)
        sessions_visit(all, shelf, add_line, &lines);
    if (report && !lines.failed) {
        report->text = join_lines(&lines);
        report->len = lines.bytes;
    }
    lines_fini(&lines);
    if (report && report->text)
        return report;
    free(report);
    return NULL;
}

long report_read(struct report *report, char *to, size_t cap)
{
    size_t left = report->len - report->at, n = left < cap ? left : cap;
    memcpy(to, report->text + report->at, n);
    report->at += n;
    return (long)n;
}

void report_free(struct report *report)
{
    free(report->text);
    free(report);
}
