#include "symbol/effort.h"

#include "base/clock.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

/* How long this thread has waited for a processor, as the scheduler counts it; 0 where it does not tell. */
static int64_t queued_ns(void)
{
    char text[96];
    int64_t queued = 0;
    int fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    return sscanf(text, "%*d %" SCNd64, &queued) == 1 ? queued : 0;
}

void effort_begin(struct effort *e, int64_t max_ns, uint64_t max_bytes)
{
    *e = (struct effort){.max_bytes = max_bytes, .max_ns = max_ns};
    if (max_ns) {
        e->deadline_ns = clock_monotonic_ns() + max_ns;
        e->queued_ns = queued_ns();
    }
}

static bool is_over(struct effort *e)
{
    int64_t now = clock_monotonic_ns();
    if (now <= e->deadline_ns)
        return false;
    int64_t credit = queued_ns() - e->queued_ns;
    credit = credit < e->max_ns ? credit : e->max_ns;
    e->deadline_ns += credit - e->credit_ns;
    e->credit_ns = credit;
    return now > e->deadline_ns;
}

bool effort_left(struct effort *e)
{
    if (e->max_ns && !e->over)
        e->over = is_over(e);
    return !e->over;
}

bool effort_is_early(const struct effort *e)
{
    return !e->max_ns || (!e->over && clock_monotonic_ns() <= e->deadline_ns - e->max_ns / 2);
}
