#ifndef UI_PROGRESS_H
#define UI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * One line on the terminal that says how far a collection has come; nothing at all when standard error is
 * not a terminal.
 */
struct progress {
    bool on;
    int64_t start_ns, last_ns;
    double seconds; /* how long the servers collect; 0 when that is not known */
};

void progress_start(struct progress *p, double seconds);
void progress_update(
    struct progress *p, size_t pending, size_t bytes); /* cheap: redraws ten times a second */
void progress_end(struct progress *p);

/* The line itself, for elapsed seconds. Appends at most size bytes with the NUL to text. */
void progress_format(double elapsed_s, double seconds, size_t pending, size_t bytes, char *text, size_t size);

#endif
