/* Counts for modules under test: basic blocks, bytes touched, bytes allocated. See counted.h. */
#define COUNTED_C
#include "counted.h"
#include "counted_names.h"

#include <time.h>

enum { NAPS_MAX = 10000 };

static atomic_uint_fast64_t work;
static atomic_int_fast64_t live_bytes;
static atomic_bool shuffling;
static atomic_long naps_left;

void __sanitizer_cov_trace_pc(void); /* gcc's name for it */

/*
 * A nap, not sched_yield(): beside busy programs a yield gives them the core for milliseconds, while a
 * sleeper is woken at once. Napping at every block would hide what happens between two; at one in 24 or so,
 * drawn at random, the threads never get in step. The number of naps is bounded, so that a module of many
 * blocks is not slow to check.
 */
static void shuffle(void)
{
    static _Thread_local uint32_t random_state;
    if (random_state == 0)
        random_state = (uint32_t)(uintptr_t)&random_state | 1;
    random_state = random_state * 1664525 + 1013904223;
    if (random_state >> 24 < 11 && atomic_fetch_sub_explicit(&naps_left, 1, memory_order_relaxed) > 0)
        nanosleep(&(struct timespec){.tv_nsec = 1000}, NULL);
}

void __sanitizer_cov_trace_pc(void)
{
    atomic_fetch_add_explicit(&work, 1, memory_order_relaxed);
    if (atomic_load_explicit(&shuffling, memory_order_relaxed))
        shuffle();
}

uint64_t counted_work(void)
{
    return atomic_load(&work);
}

int64_t counted_live_bytes(void)
{
    return atomic_load(&live_bytes);
}

void counted_shuffle(bool on)
{
    atomic_store(&naps_left, NAPS_MAX);
    atomic_store(&shuffling, on);
}

static void count_bytes(size_t n)
{
    atomic_fetch_add_explicit(&work, n / 64, memory_order_relaxed);
}

static void *allocated(void *p)
{
    atomic_fetch_add(&live_bytes, (int64_t)malloc_usable_size(p));
    return p;
}

static void freed(void *p)
{
    atomic_fetch_sub(&live_bytes, (int64_t)malloc_usable_size(p));
}

void *counted_malloc(size_t size)
{
    return allocated(malloc(size));
}

void *counted_calloc(size_t n, size_t size)
{
    return allocated(calloc(n, size));
}

void *counted_realloc(void *old, size_t size)
{
    freed(old);
    void *p = realloc(old, size);
    if (!p && size > 0)
        allocated(old);
    return allocated(p);
}

void *counted_aligned_alloc(size_t alignment, size_t size)
{
    return allocated(aligned_alloc(alignment, size));
}

int counted_posix_memalign(void **out, size_t alignment, size_t size)
{
    int code = posix_memalign(out, alignment, size);
    if (code == 0)
        allocated(*out);
    return code;
}

char *counted_strdup(const char *s)
{
    return allocated(strdup(s));
}

char *counted_strndup(const char *s, size_t n)
{
    return allocated(strndup(s, n));
}

void counted_free(void *p)
{
    freed(p);
    free(p);
}

void *counted_memcpy(void *to, const void *from, size_t n)
{
    count_bytes(n);
    return memcpy(to, from, n);
}

void *counted_memmove(void *to, const void *from, size_t n)
{
    count_bytes(n);
    return memmove(to, from, n);
}

void *counted_memset(void *p, int c, size_t n)
{
    count_bytes(n);
    return memset(p, c, n);
}

int counted_memcmp(const void *a, const void *b, size_t n)
{
    count_bytes(n);
    return memcmp(a, b, n);
}

void *counted_memchr(const void *p, int c, size_t n)
{
    count_bytes(n);
    return memchr(p, c, n);
}
