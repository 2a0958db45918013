#include "stress.h"

#include "base/buf.h"
#include "cprof.h"
#include "model/codec.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * Taken = delivered + counted as lost, by the profiles as they are delivered, names and all, and the
 * program's own counters.
 */

int balance_fetch(const char *profile)
{
    int fd = memfd_create("stress", MFD_CLOEXEC);
    int code = fd < 0 ? CPROF_EIO : cprof_write(profile, fd);
    if (!code)
        return fd;
    stress_fail("%s: %s", profile, cprof_strerror(code));
    if (fd >= 0)
        close(fd);
    return -1;
}

/* NULL, and it is said why. Closes fd. */
static struct profile *read_profile(int fd)
{
    struct buf bytes = {0};
    struct profile *p = NULL;
    struct error error = {0};
    char chunk[65536];
    ssize_t n;
    if (fd < 0)
        return NULL;
    lseek(fd, 0, SEEK_SET);
    while ((n = read(fd, chunk, sizeof chunk)) > 0)
        buf_append(&bytes, chunk, (size_t)n);
    close(fd);
    if (profile_decode(bytes.data, bytes.len, 0, &p, &error))
        stress_fail("no profile: %s", error.text);
    buf_fini(&bytes);
    return p;
}

static struct profile *fetch(const char *name)
{
    return read_profile(balance_fetch(name));
}

static bool location_is_in(const struct profile *p, uint32_t location, const char *function)
{
    const struct location *l = &p->locations.items[location];
    for (uint32_t i = 0; i < l->nlines; i++) {
        uint32_t f = p->lines.items[l->first_line + i].function;
        if (f != NO_INDEX && strcmp(p->functions.items[f].name, function) == 0)
            return true;
    }
    return false;
}

/* A value of all samples, or of those with a frame of that function. */
static int64_t sum(const struct profile *p, size_t value, const char *function)
{
    int64_t all = 0;
    for (size_t i = 0; i < p->samples.len; i++) {
        const struct sample *s = &p->samples.items[i];
        bool in = !function;
        for (uint32_t k = 0; k < s->nlocs && !in; k++)
            in = location_is_in(p, p->locs.items[s->first_loc + k], function);
        all += in ? profile_values(p, i)[value] : 0;
    }
    return all;
}

static int64_t lost(const struct profile *p)
{
    for (size_t i = 0; i < p->comments.len; i++) {
        int64_t n;
        if (strstr(p->comments.items[i], "samples were lost") &&
            sscanf(p->comments.items[i], "%" SCNd64, &n) == 1)
            return n;
    }
    return 0;
}

/* Any of those lost may be one of these. */
static void compare(const char *what, int64_t done, int64_t delivered, int64_t lost)
{
    printf("balance: %s: %" PRId64 " done, %" PRId64 " delivered, %" PRId64 " counted as lost\n", what, done,
        delivered, lost);
    if (done == 0)
        stress_fail("no %s", what);
    if (delivered > done || delivered + lost < done)
        stress_fail("%s do not balance", what);
}

static void check_threads(void)
{
    struct profile *p = fetch("threadcreate");
    if (p)
        compare("threads created", atomic_load(&deeds.threads), sum(p, 0, NULL), lost(p));
    profile_free(p);
}

static void check_waits(void)
{
    struct profile *p = fetch("block");
    if (p)
        compare("waits for a condition", atomic_load(&deeds.waits), sum(p, 0, "waits_its_turn"), lost(p));
    profile_free(p);
}

static void check_memory(void)
{
    struct profile *p = fetch("heap");
    if (!p)
        return;
    compare("megabytes allocated", atomic_load(&deeds.megabytes), sum(p, 0, "keeps_a_megabyte"), lost(p));
    if (sum(p, 2, "keeps_a_megabyte") != 0)
        stress_fail("blocks that were freed are in use");
    profile_free(p);
}

/* What waiters suffered is charged to those that let them wait. */
static void check_law(void)
{
    struct profile *block = fetch("block"), *mutex = fetch("mutex");
    if (block && mutex) {
        int64_t suffered = sum(block, 1, "takes_mutex"), charged = sum(mutex, 1, "lets_mutex_go");
        int64_t missing = lost(block) + lost(mutex), waits = sum(block, 0, "takes_mutex");
        printf("balance: destroyed mutexes: %ld, waited for %.3f s (%" PRId64
               " times), charged %.3f s; %" PRId64 " counted as lost\n",
            (long)deeds.mutexes, (double)suffered / 1e9, waits, (double)charged / 1e9, missing);
        double off = suffered ? fabs((double)charged / (double)suffered - 1) : 1;
        if (off > 0.05 + 2 * (double)missing / (double)(waits + 1))
            stress_fail("what is charged is %.1f%% off what was suffered", 100 * off);
    }
    profile_free(block);
    profile_free(mutex);
}

void balance_check(void)
{
    check_threads();
    check_waits();
    check_memory();
    check_law();
}

/* What threads use in the kernel before they are known, and when they are no longer, nobody sees. */
void balance_cpu(int fd, int64_t used_ns, long threads)
{
    static const double unseen_s = 100e-6; /* of each, at most, on a busy machine */
    struct profile *p = read_profile(fd);
    if (!p)
        return;
    double used = (double)used_ns / 1e9, delivered = (double)sum(p, 1, NULL) / 1e9;
    double missing = (double)(lost(p) * p->period) / 1e9, off = used - delivered - missing;
    printf("balance: processor time: %.3f s used, %.3f s delivered, %.3f s counted as lost, %.3f s before "
           "and after "
           "%ld threads were known\n",
        used, delivered, missing, off, threads);
    if (off < -0.05 * used || off > 0.05 * used + unseen_s * (double)threads)
        stress_fail("processor time does not balance");
    profile_free(p);
}
