/*
 * A page is made in three steps, each a task: page_begin asks who the user is, page_part asks a service for
 * what one part of the page says, for all parts at the same time, and page_finish puts the parts together.
 */
#include "lesson3/page.h"

#include "base/buf.h"

#include <errno.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const PARTS[] = {"weather", "news", "mail", "calendar", "traffic", "photos"};
enum { NPARTS = sizeof PARTS / sizeof *PARTS };

struct part {
    struct page *page;
    const char *name;
    char text[NEIGHBOUR_LINE_MAX];
};

struct page {
    struct press *press;
    const char *user;
    char greeting[NEIGHBOUR_LINE_MAX];
    struct part parts[NPARTS];
    struct buf text;
    sem_t made;
};

static void ask(struct page *page, const char *service, char *answer, size_t size)
{
    char line[NEIGHBOUR_LINE_MAX];
    snprintf(line, sizeof line, "%s %s", service, page->user);
    if (!neighbour_ask(page->press->services, line, answer, size))
        snprintf(answer, size, "(not there)");
}

static void page_part(void *argument)
{
    struct part *part = argument;
    ask(part->page, part->name, part->text, sizeof part->text);
}

static void page_finish(void *argument)
{
    struct page *page = argument;
    buf_printf(&page->text, "%s\n", page->greeting);
    for (int i = 0; i < NPARTS; i++)
        buf_printf(&page->text, "%s: %s\n", page->parts[i].name, page->parts[i].text);
    sem_post(&page->made);
}

static void page_begin(void *argument)
{
    struct page *page = argument;
    struct task parts[NPARTS];
    ask(page, "user", page->greeting, sizeof page->greeting);
    for (int i = 0; i < NPARTS; i++) {
        page->parts[i] = (struct part){.page = page, .name = PARTS[i]};
        parts[i] = (struct task){page_part, &page->parts[i]};
    }
    struct task finish = {page_finish, page};
    if (!pool_all(page->press->pool, parts, NPARTS, finish))
        page_finish(page);
}

static void page_wait(struct page *page)
{
    while (sem_wait(&page->made) != 0 && errno == EINTR)
        ;
}

char *page_render(struct press *press, const char *user, size_t *len)
{
    char *text = NULL;
    struct page *page = calloc(1, sizeof *page);
    if (!page)
        return NULL;
    page->press = press;
    page->user = user;
    sem_init(&page->made, 0, 0);
    if (pool_submit(press->pool, (struct task){page_begin, page})) {
        atomic_fetch_add(&press->unmade, 1);
        page_wait(page);
        atomic_fetch_sub(&press->unmade, 1);
        *len = page->text.len;
        text = buf_take(&page->text);
    }
    sem_destroy(&page->made);
    free(page);
    return text;
}
