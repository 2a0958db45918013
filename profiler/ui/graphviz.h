#ifndef UI_GRAPHVIZ_H
#define UI_GRAPHVIZ_H

#include "base/buf.h"
#include "base/error.h"

#include <signal.h>

/*
 * Pictures of a dot graph, drawn by Graphviz' dot. format is what dot -T takes; an svg can be moved with the
 * mouse and zoomed with its wheel in a browser. ERR_NOTFOUND, which names the package, ERR_IO, ERR_CANCELLED,
 * ERR_NOMEM.
 */
int graphviz_draw(const char *format, const struct buf *graph, struct buf *picture,
    const volatile sig_atomic_t *cancel, struct error *error);

/* The same as dot leaves it, without a script: for a page that has one. */
int graphviz_run(const char *format, const struct buf *graph, struct buf *picture,
    const volatile sig_atomic_t *cancel, struct error *error);

#endif
