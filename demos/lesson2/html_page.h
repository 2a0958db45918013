#ifndef LESSON2_HTML_PAGE_H
#define LESSON2_HTML_PAGE_H

#include <stddef.h>

/* The page of that name as HTML for the user with that token, the caller's to free, and its length; NULL when
 * memory runs out. */
char *page_render(const char *name, const char *token, size_t *len);

#endif
