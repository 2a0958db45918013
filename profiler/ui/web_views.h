#ifndef UI_WEB_VIEWS_H
#define UI_WEB_VIEWS_H

#include "ui/commands.h"

#include <signal.h>

/*
 * The views of a profile that the browser shows: one table. A view more is a row here and a function of the
 * same name in web/app.js, which draws what is in the row's body.
 */
enum web_body {
    WEB_BODY_JSON, /* the report is JSON */
    WEB_BODY_TEXT, /* a string: text or a page, as the report makes it */
    WEB_BODY_SVG   /* a string, drawn by Graphviz */
};

struct web_view {
    const char *name; /* below /ui/ */
    const char *title, *summary;
    enum report_format format;
    enum web_body body;
    bool has_pattern; /* of the functions that focus matches, or the heaviest */
    int nodecount;    /* where the URL does not say; 0: the report's own */
};

extern const struct web_view web_views[]; /* the first is shown when none was named */
extern const unsigned n_web_views;

const struct web_view *web_view_find(const char *name); /* "" is the first; NULL when there is none */

/* What a view is made from, which is left as it is. */
struct web_source {
    const struct profile *profile;
    const struct config *config; /* of this request */
    const char *tools;
    const volatile sig_atomic_t *cancel;
};

/* Appends the body, a JSON value, and lines for the user to notes. Errors as of report_generate() and
 * graphviz_run(); out is then as it was. */
int web_view_put(const struct web_view *v, const struct web_source *s, struct buf *out, struct buf *notes,
    struct error *error);

#endif
