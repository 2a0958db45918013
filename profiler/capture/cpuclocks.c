#include "capture/cpuclocks.h"

#include "base/clock.h"
#include "capture/region.h"

enum { OWN_NS = 5000 };

/* The last reading. Of another thread, if its tid is another. */
struct reading {
    pid_t tid;
    uint32_t sequence;
    int64_t ns;
};

static struct reading *readings; /* by number of record; NULL before the first call, or without memory */
static bool is_unknown = true;   /* what the others have used */
static int64_t others_ns;        /* at most, since all clocks were read */
static int64_t process_ns;       /* the process's clock before any was read in the last call */

static struct reading *reading_of(const struct cpuclock *c)
{
    return &readings[c->t - thread_at(0)];
}

static bool is_unmoved(const struct cpuclock *c)
{
    const struct reading *r = reading_of(c);
    return c->sequence && r->tid == c->tid && r->sequence == c->sequence;
}

static int64_t read_clock(pid_t tid)
{
    struct timespec t;
    if (clock_gettime((clockid_t)(~(unsigned)tid << 3 | 6), &t) != 0)
        return -1;
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* What it has advanced by, 0 when that is not known. */
static int64_t advance(struct cpuclock *c, int64_t now_ns)
{
    struct reading *r = reading_of(c);
    int64_t before = r->tid == c->tid ? r->ns : -1;
    *r = (struct reading){now_ns < 0 ? 0 : c->tid, c->sequence, now_ns};
    c->ns = now_ns;
    return before >= 0 && now_ns >= 0 ? now_ns - before : 0;
}

/* Adding up the process's clock is most of what the caller does between two looks at it, and is not to count
 * as the others': its own clock is read outside of them both. What lies between two calls is OWN_NS at most.
 */
static int64_t advance_own(struct cpuclock *c, int64_t began_ns)
{
    int64_t advanced = advance(c, clock_thread_cpu_ns());
    reading_of(c)->ns = began_ns;
    return advanced;
}

/* Reads those that have moved, sets ns of the rest to -1, and adds up what that can have used. */
static size_t read_moved(struct cpuclock *clocks, size_t n)
{
    struct cpuclock *own = NULL;
    size_t nread = 0;
    int64_t began = clock_thread_cpu_ns(), before = clock_read_ns(CLOCK_PROCESS_CPUTIME_ID), known = 0;
    for (size_t i = 0; i < n; i++) {
        struct cpuclock *c = &clocks[i];
        c->ns = -1;
        if (is_unmoved(c))
            continue;
        nread++;
        if (c->t == thread_self())
            own = c;
        else
            known += advance(c, read_clock(c->tid));
    }
    if (own)
        known += advance_own(own, began);
    others_ns += clock_read_ns(CLOCK_PROCESS_CPUTIME_ID) - process_ns - known + OWN_NS;
    process_ns = before;
    return nread;
}

size_t cpuclocks_read(struct cpuclock *clocks, size_t n)
{
    if (!readings)
        readings = region_map(THREAD_MAX * sizeof *readings);
    if (!readings) {
        for (size_t i = 0; i < n; i++)
            clocks[i].ns = read_clock(clocks[i].tid);
        return n;
    }
    size_t nread = read_moved(clocks, n);
    bool enough = !is_unknown && others_ns <= CPUCLOCKS_LATE_NS;
    for (size_t i = 0; i < n; i++) {
        if (clocks[i].ns >= 0)
            continue;
        if (enough)
            clocks[i].ns = reading_of(&clocks[i])->ns;
        else
            advance(&clocks[i], read_clock(clocks[i].tid));
    }
    if (enough)
        return nread;
    is_unknown = false;
    others_ns = 0;
    return n;
}

void cpuclocks_after_fork(void)
{
    is_unknown = true;
}
