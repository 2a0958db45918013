#ifndef LESSON3_PAGE_H
#define LESSON3_PAGE_H

#include "lesson3/pool.h"

#include "common/neighbour.h"

#include <stdatomic.h>
#include <stddef.h>

/* What a start page is made with. */
struct press {
    struct pool *pool;
    struct neighbour *services;
    atomic_long unmade; /* pages that somebody waits for */
};

/* The services behind the pages, as a neighbour_answer: who a user is, and what each part of a page says. */
long services_answer(const char *line, char *answer, size_t size);

/* The user's start page, malloc'ed; NULL when memory runs out. Returns once the page is made, which the
 * workers of the pool do; the calling thread just waits for it. */
char *page_render(struct press *press, const char *user, size_t *len);

#endif
