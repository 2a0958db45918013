#ifndef UI_WEB_PAGE_H
#define UI_WEB_PAGE_H

#include "ui/web_all.h"
#include "ui/web_saved.h"
#include "ui/web_views.h"

/*
 * The page of a view: the same shell for all, with what the view shows as JSON in it. Every < of the JSON is
 * written as \u003c, so that no name in a profile ends the element it is in.
 *
 * With an error, the page says so and can be left by its menus.
 */
struct web_page {
    const struct web_view *view;   /* NULL: the page of all profiles */
    struct web_source source;      /* of a view */
    const struct web_all *all;     /* NULL when one profile is served */
    const char *of;                /* which of them the view is of */
    const struct config *defaults; /* of the command line */
    const struct saved *saved;     /* configurations with a name */
    const struct error *refused;   /* what was wrong with the URL, or NULL */
};

/* The shell with such JSON in it, which has view, legend, types, notes, defaults, configs, views and body;
 * whole: with its style and scripts, too, as a file that needs nothing else. */
void web_page_put_shell(const struct buf *json, bool whole, struct buf *out);

/* The status: 200; 400 for what the URL asks wrongly; 501 where a program is missing; 500. */
int web_page_put(const struct web_page *p, struct buf *out);

#endif
