/* A user's pages: a table of messages in HTML, made for each request and freed when it is sent. */
#include "lesson2/html_page.h"

#include <stdio.h>
#include <stdlib.h>

enum { PAGE_BYTES = 64 * 1024, ROWS = 400 };

char *page_render(const char *name, const char *token, size_t *len)
{
    char *page = malloc(PAGE_BYTES);
    if (!page)
        return NULL;
    size_t n =
        (size_t)snprintf(page, PAGE_BYTES, "<title>%.40s</title><p>Hello, %.80s<table>\n", name, token);
    for (int row = 1; row <= ROWS; row++)
        n += (size_t)snprintf(page + n, PAGE_BYTES - n,
            "<tr><td>%d<td>%.40s<td><a href=\"/message\">somebody wrote, and nobody has read it</a>\n", row,
            name);
    n += (size_t)snprintf(page + n, PAGE_BYTES - n, "</table>\n");
    *len = n;
    return page;
}
