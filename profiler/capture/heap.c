#include "capture/heap.h"

#include "capture/heap_parse.h"
#include "capture/heap_samples.h"
#include "capture/heap_stack.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * jemalloc reads this name when it starts, before any constructor of ours could run; profiling can be
 * switched on at no other time. The rate is changed later, by prof.reset. Protected: the jemalloc in
 * libcprof.so reads this one, also in a program that has one of its own for its own jemalloc.
 */
extern const char *malloc_conf __attribute__((visibility("protected")));
static const char PROFILED[] = "prof:true,prof_active:true,prof_accum:true,lg_prof_sample:19";
static const char DECLINED[] = "prof:false";
const char *malloc_conf = PROFILED;

/* Weak: a process may run on another malloc. */
extern int mallctl(const char *name, void *old, size_t *old_bytes, void *value, size_t value_bytes)
    __attribute__((weak));

/* jemalloc's, where it is linked in (packaging/jemalloc.sh): called just before it reads its options. */
extern void __real_je_prof_boot0(void) __attribute__((weak));
void __wrap_je_prof_boot0(void);
extern bool je_opt_cache_oblivious __attribute__((weak));

static bool may_decline = true; /* in a page that is touched anyhow, unlike what begins as false */

/*
 * Large blocks begin somewhere in a page, so that they do not compete for the same cache lines; sampled ones
 * at its start. A large buffer that grows is sampled sooner or later, and would have to be copied for that,
 * which cost far more than all else of sampling: so all begin at its start where there are samples.
 */
void __wrap_je_prof_boot0(void)
{
    may_decline = false;
    if (heap_is_declined && heap_is_declined())
        malloc_conf = DECLINED;
    je_opt_cache_oblivious = malloc_conf == DECLINED;
    __real_je_prof_boot0();
}

static bool get_bool(const char *name)
{
    bool v = false;
    size_t size = sizeof v;
    return mallctl(name, &v, &size, NULL, 0) == 0 && v;
}

/*
 * Whether malloc is jemalloc's: jemalloc may be in the process and yet not be what the program calls, as when
 * libc comes before it. Its count of what this thread allocated tells; addresses would not, for a malloc in
 * the program may lead there. Where nothing is counted, it is taken to be; and where there is no memory,
 * which is then not known, until there is.
 */
static bool is_jemalloc_in_force(bool *known)
{
    uint64_t before, after;
    size_t size = sizeof before;
    if (mallctl("thread.allocated", &before, &size, NULL, 0) != 0)
        return true;
    void *volatile some = malloc(64);
    *known = some != NULL;
    free(some);
    return !*known || mallctl("thread.allocated", &after, &size, NULL, 0) != 0 || after > before;
}

static const char *find_reason(bool *known)
{
    *known = true;
    if (!mallctl)
        return "there is no jemalloc in this process";
    if (!is_jemalloc_in_force(known))
        return "the program's malloc is not jemalloc: link it with libcprof.a, before libc";
    if (!get_bool("config.prof") || !get_bool("opt.prof"))
        return "this jemalloc was built or started without profiling";
    return NULL;
}

const char *heap_why_unsupported(void)
{
    static _Atomic bool known; /* none of it changes; whoever comes first finds the same */
    static _Atomic(const char *) reason;
    if (!atomic_load(&known)) {
        bool now_known;
        atomic_store(&reason, find_reason(&now_known));
        atomic_store(&known, now_known);
    }
    return atomic_load(&reason);
}

/*
 * The distance to a thread's next sample is drawn in advance, and a reset leaves it as it is: at the default
 * rate the next half megabyte or so would go unseen at the new one. An allocation far larger than any
 * distance makes the calling thread draw again; the second reset forgets it. Other threads that exist by now
 * catch up at their next sample.
 */
static int set_rate(size_t lg_sample)
{
    enum { LARGE_BYTES = 64 << 20 };
    if (mallctl("prof.reset", NULL, NULL, &lg_sample, sizeof lg_sample) != 0)
        return ERR_UNSUPPORTED;
    heap_samples_reset();
    void *volatile untouched = malloc(LARGE_BYTES);
    free(untouched);
    if (mallctl("prof.reset", NULL, NULL, &lg_sample, sizeof lg_sample) != 0)
        return ERR_UNSUPPORTED;
    heap_samples_reset();
    return 0;
}

/* What jemalloc has counted so far is taken over; what is sampled between that and the switch is not. */
static void take_over(void)
{
    struct snapshot before;
    heap_stack_take_over();
    if (!heap_samples_are_possible() || heap_samples_are_on() || heap_snapshot(&before) != 0)
        return;
    heap_samples_start(&before);
    snapshot_fini(&before);
}

int heap_start(int64_t rate_bytes)
{
    if (rate_bytes < 0 || (rate_bytes & (rate_bytes - 1)) != 0)
        return ERR_INVALID;
    if (heap_why_unsupported())
        return ERR_UNSUPPORTED;
    bool active = rate_bytes > 0;
    if (mallctl("prof.active", NULL, NULL, &active, sizeof active) != 0)
        return ERR_UNSUPPORTED;
    if (!active)
        return 0;
    take_over();
    size_t lg_sample = (size_t)__builtin_ctzll((unsigned long long)rate_bytes), lg_now, size = sizeof lg_now;
    /* A reset forgets what is live: not without need. */
    if (mallctl("prof.lg_sample", &lg_now, &size, NULL, 0) == 0 && lg_now == lg_sample)
        return 0;
    return set_rate(lg_sample);
}

void heap_decline(void)
{
    bool was_declined = malloc_conf == DECLINED;
    malloc_conf = DECLINED;
    if (!was_declined && (!may_decline || !__real_je_prof_boot0))
        heap_start(0); /* the first mallctl touches dozens of pages, which is most of what could be saved */
}

bool heap_sample_thread(bool on)
{
    bool was = on;
    size_t len = sizeof was;
    if (!heap_why_unsupported())
        mallctl("thread.prof.active", &was, &len, &on, sizeof on);
    return was;
}

void heap_exclude_thread(void)
{
    heap_sample_thread(false);
}

/* ---- dump -----------------------------------------------------------------------------------------------
 */

static int parse_file(int fd, struct snapshot *out)
{
    struct stat s;
    if (fstat(fd, &s) != 0 || s.st_size == 0)
        return ERR_IO;
    size_t len = (size_t)s.st_size;
    void *text = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
    if (text == MAP_FAILED)
        return ERR_NOMEM;
    struct heap_range trimmed[HEAP_STACK_TRIMMED];
    heap_stack_trimmed(trimmed);
    int r = heap_parse(text, len, trimmed, HEAP_STACK_TRIMMED, out, NULL);
    munmap(text, len);
    return r == ERR_FORMAT ? ERR_IO : r;
}

static int append_samples(struct snapshot *out)
{
    int r = heap_samples_append(out);
    if (r)
        snapshot_fini(out);
    return r;
}

int heap_snapshot(struct snapshot *out)
{
    if (heap_why_unsupported())
        return ERR_UNSUPPORTED;
    int fd = memfd_create("cprof-heap", MFD_CLOEXEC);
    if (fd < 0)
        return ERR_IO;
    char path[64];
    const char *name = path;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int r = mallctl("prof.dump", NULL, NULL, &name, sizeof name) == 0 ? parse_file(fd, out) : ERR_IO;
    close(fd);
    return r || !heap_samples_are_on() ? r : append_samples(out);
}
