#include "symbol/effort.h"

#include "base/clock.h"

#include <errno.h>

void effort_begin(struct effort *e, int64_t max_ns, uint64_t max_bytes)
{
    *e = (struct effort){.max_bytes = max_bytes, .max_ns = max_ns};
    if (max_ns)
        e->deadline_ns = clock_monotonic_ns() + max_ns;
}

bool effort_left(struct effort *e)
{
    if (e->max_ns && !e->over)
        e->over = clock_monotonic_ns() > e->deadline_ns;
    return !e->over;
}

bool effort_is_early(const struct effort *e)
{
    return !e->max_ns || (!e->over && clock_monotonic_ns() <= e->deadline_ns - e->max_ns / 2);
}

void effort_note_errno(struct effort *e)
{
    e->starved |= errno == ENOMEM || errno == EMFILE || errno == ENFILE;
    errno = 0;
}
