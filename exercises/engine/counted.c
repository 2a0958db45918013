/* Counts for modules under test: basic blocks, bytes touched, bytes allocated. See counted.h. */
#define COUNTED_C
#include "counted.h"
#include "counted_names.h"

#include <time.h>

enum { NAPS_MAX = 10000 };

static atomic_uint_fast64_t work, bytes, allocated_bytes;
static _Thread_local uint64_t thread_work;
static atomic_int_fast64_t live_bytes, peak_bytes;
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
    thread_work++;
    atomic_fetch_add_explicit(&work, 1, memory_order_relaxed);
    if (atomic_load_explicit(&shuffling, memory_order_relaxed))
        shuffle();
}

uint64_t counted_work(void)
{
    return atomic_load(&work);
}

uint64_t counted_thread_work(void)
{
    return thread_work;
}

int64_t counted_live_bytes(void)
{
    return atomic_load(&live_bytes);
}

uint64_t counted_allocated_bytes(void)
{
    return atomic_load(&allocated_bytes);
}

uint64_t counted_bytes(void)
{
    return atomic_load(&bytes);
}

int64_t counted_peak_bytes(void)
{
    return atomic_load(&peak_bytes);
}

void counted_peak_restart(void)
{
    atomic_store(&peak_bytes, atomic_load(&live_bytes));
}

void counted_shuffle(bool on)
{
    atomic_store(&naps_left, NAPS_MAX);
    atomic_store(&shuffling, on);
}

static void count_bytes(size_t n)
{
    atomic_fetch_add_explicit(&bytes, n, memory_order_relaxed);
    atomic_fetch_add_explicit(&work, n / 64, memory_order_relaxed);
    thread_work += n / 64;
}

static void *allocated(void *p)
{
    int64_t size = (int64_t)malloc_usable_size(p), live = atomic_fetch_add(&live_bytes, size) + size;
    atomic_fetch_add(&allocated_bytes, (uint64_t)size);
    int64_t peak = atomic_load(&peak_bytes);
    while (live > peak && !atomic_compare_exchange_weak(&peak_bytes, &peak, live))
        ;
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
    size_t old_size = malloc_usable_size(old);
    if (size > old_size)
        count_bytes(old_size);
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

int counted_vasprintf(char **out, const char *format, va_list arguments)
{
    int len = vasprintf(out, format, arguments);
    if (len >= 0) {
        count_bytes((size_t)len + 1);
        allocated(*out);
    }
    return len;
}

int counted_asprintf(char **out, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int len = counted_vasprintf(out, format, arguments);
    va_end(arguments);
    return len;
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

size_t counted_strlen(const char *s)
{
    size_t n = strlen(s);
    count_bytes(n + 1);
    return n;
}

size_t counted_strnlen(const char *s, size_t n)
{
    size_t found = strnlen(s, n);
    count_bytes(found + (found < n));
    return found;
}

char *counted_strcpy(char *to, const char *from)
{
    count_bytes(strlen(from) + 1);
    return strcpy(to, from);
}

char *counted_stpcpy(char *to, const char *from)
{
    count_bytes(strlen(from) + 1);
    return stpcpy(to, from);
}

char *counted_strncpy(char *to, const char *from, size_t n)
{
    count_bytes(n); /* all of it: what from lacks is filled with zeros */
    return strncpy(to, from, n);
}

char *counted_strcat(char *to, const char *from)
{
    count_bytes(strlen(to) + strlen(from) + 1);
    return strcat(to, from);
}

char *counted_strncat(char *to, const char *from, size_t n)
{
    count_bytes(strlen(to) + strnlen(from, n) + 1);
    return strncat(to, from, n);
}

int counted_strcmp(const char *a, const char *b)
{
    size_t same = 0;
    while (a[same] && a[same] == b[same])
        same++;
    count_bytes(same + 1);
    return strcmp(a, b);
}

char *counted_strchr(const char *s, int c)
{
    char *found = strchr(s, c);
    count_bytes(found ? (size_t)(found - s) + 1 : strlen(s) + 1);
    return found;
}
