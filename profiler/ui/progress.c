#include "ui/progress.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BAR = 30 };

void progress_start(struct progress *p, double seconds)
{
    const char *term = getenv("TERM");
    *p = (struct progress){.seconds = seconds, .start_ns = clock_monotonic_ns()};
    p->on = isatty(STDERR_FILENO) && !(term && strcmp(term, "dumb") == 0);
}

void progress_format(double elapsed_s, double seconds, size_t pending, size_t bytes, char *text, size_t size)
{
    char bar[BAR + 1], many[32] = "";
    if (pending > 1)
        snprintf(many, sizeof many, ", %zu sources", pending);
    if (seconds <= 0) {
        snprintf(text, size, "Fetching: %.1f s, %zu kB%s", elapsed_s, bytes / 1024, many);
        return;
    }
    double part = elapsed_s < seconds ? elapsed_s / seconds : 1;
    int full = (int)(part * BAR);
    for (int i = 0; i < BAR; i++)
        bar[i] = i < full ? '=' : i == full ? '>' : ' ';
    bar[BAR] = '\0';
    if (elapsed_s < seconds)
        snprintf(text, size, "Collecting: [%s] %.0f of %.0f s%s", bar, elapsed_s, seconds, many);
    else
        snprintf(text, size, "Collecting: [%s] done, waiting for the answer%s", bar, many);
}

void progress_update(struct progress *p, size_t pending, size_t bytes)
{
    int64_t now = clock_monotonic_ns();
    if (!p->on || now - p->last_ns < 100000000)
        return;
    char text[160];
    p->last_ns = now;
    progress_format((double)(now - p->start_ns) / 1e9, p->seconds, pending, bytes, text, sizeof text);
    fprintf(stderr, "\r%s\033[K", text);
    fflush(stderr);
}

void progress_end(struct progress *p)
{
    if (p->on)
        fputs("\r\033[K", stderr);
}
