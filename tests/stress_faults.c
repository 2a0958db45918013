#include "stress.h"

#include "capture/interpose.h"
#include "capture/thread.h"
#include "export/endpoints.h"
#include "libdw_tables.h"
#include "symbol/debugfile.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/*
 * Between the program and what it asks for: malloc and mmap before jemalloc and the kernel, for libraries,
 * too; the clock before libc's; thread creation below libcprof's wrapper. Only the profiler's own threads are
 * refused memory: what the program does without is not what is tried here.
 */

/* ---- whose turn it is -----------------------------------------------------------------------------------
 */

static atomic_bool armed; /* any of these may have to fail */
static atomic_long countdown, seen, server_share, server_turn;
static __thread bool counts_here;  /* calls that the countdown is for: the thread that set it */
static __thread long request_left; /* of the request that this thread serves; 0: none fails */
static __thread bool in_request;

static bool is_profilers(void)
{
    struct thread *t = thread_tls;
    return (uintptr_t)t > (uintptr_t)THREAD_GONE && t->is_profiler;
}

static bool is_turn(size_t bytes, void *caller)
{
    if (request_left == 1 && is_libdws_table(bytes, caller))
        return false;
    if (request_left > 0)
        return --request_left == 0;
    if (in_request || !(counts_here || is_profilers()))
        return false;
    if (atomic_load(&countdown) > 0) {
        atomic_fetch_add(&seen, 1);
        return atomic_fetch_sub(&countdown, 1) == 1;
    }
    long share = atomic_load(&server_share);
    return share && atomic_fetch_add(&server_turn, 1) % share == 0;
}

static bool fails(atomic_long *counter, size_t bytes, void *caller)
{
    if (!atomic_load_explicit(&armed, memory_order_relaxed) || !is_turn(bytes, caller))
        return false;
    atomic_fetch_add(counter, 1);
    errno = ENOMEM;
    return true;
}

static void arm(void)
{
    atomic_store(&armed, true); /* for good: a request may come any time */
}

void faults_fail_nth(long n)
{
    counts_here = n > 0;
    atomic_store(&seen, 0);
    atomic_store(&countdown, n);
    arm();
}

long faults_seen(void)
{
    return atomic_load(&seen);
}

void faults_starve_server(long one_in)
{
    atomic_store(&server_share, one_in);
}

/* ---- memory ---------------------------------------------------------------------------------------------
 */

/* jemalloc's, renamed (see the Makefile). In its section, which is not part of the stacks in heap profiles.
 */
extern void *under_malloc(size_t bytes);
extern void *under_calloc(size_t n, size_t bytes);
extern void *under_realloc(void *block, size_t bytes);
void *under_mmap(void *at, size_t bytes, int rights, int flags, int fd, off_t offset);
#define ALLOCATOR __attribute__((section("jemalloc_text"), noinline))

static bool fails_to_allocate(size_t bytes, void *caller)
{
    return stress && fails(&stress->allocations_failed, bytes, caller);
}

ALLOCATOR void *malloc(size_t bytes)
{
    return fails_to_allocate(bytes, __builtin_return_address(0)) ? NULL : under_malloc(bytes);
}

ALLOCATOR void *calloc(size_t n, size_t bytes)
{
    return fails_to_allocate(n * bytes, __builtin_return_address(0)) ? NULL : under_calloc(n, bytes);
}

ALLOCATOR void *realloc(void *block, size_t bytes)
{
    return fails_to_allocate(bytes, __builtin_return_address(0)) ? NULL : under_realloc(block, bytes);
}

/* What jemalloc calls: it ends the program when a new thread finds no memory at all. */
void *under_mmap(void *at, size_t bytes, int rights, int flags, int fd, off_t offset)
{
    return (void *)syscall(SYS_mmap, at, bytes, rights, flags, fd, offset);
}

void *mmap(void *at, size_t bytes, int rights, int flags, int fd, off_t offset)
{
    return stress && fails(&stress->maps_failed, bytes, __builtin_return_address(0))
               ? MAP_FAILED
               : under_mmap(at, bytes, rights, flags, fd, offset);
}

/* ---- a request's own ------------------------------------------------------------------------------------
 */

void __real_endpoints_serve(const struct request *r, struct reply *reply);
void __wrap_endpoints_serve(const struct request *r, struct reply *reply);

/* `fail=N` in a query: the N-th allocation on its behalf. */
void __wrap_endpoints_serve(const struct request *r, struct reply *reply)
{
    char text[32];
    int64_t n = 0;
    bool starves = request_param(r, "fail", text, sizeof text) && request_number(text, &n);
    in_request = true;
    request_left = n;
    __real_endpoints_serve(r, reply);
    if (starves)
        atomic_store(&stress->was_starved, request_left == 0);
    request_left = 0;
    in_request = false;
}

/* No separate debug files: to unpack libc's takes a tenth of a second, as often as there is a new address in
 * it. */
int __wrap_debugfile_open(struct elffile *f, const char *path, struct elffile **out);
int __wrap_debugfile_open(struct elffile *f, const char *path, struct elffile **out)
{
    (void)f, (void)path, (void)out;
    return ERR_NOTFOUND;
}

/* ---- threads --------------------------------------------------------------------------------------------
 */

static int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
static atomic_bool no_threads;

static int create_or_not(pthread_t *out, const pthread_attr_t *attr, void *(*run)(void *), void *arg)
{
    if (!atomic_load(&no_threads))
        return create(out, attr, run, arg);
    atomic_fetch_add(&stress->creations_failed, 1);
    return EAGAIN;
}

void faults_refuse_threads(bool on)
{
    atomic_store(&no_threads, on);
}

/* ---- the clock ------------------------------------------------------------------------------------------
 */

static int (*read_clock)(clockid_t, struct timespec *);
static _Atomic int64_t ahead_ns; /* of the kernel's */

int clock_gettime(clockid_t id, struct timespec *now)
{
    int r = read_clock ? read_clock(id, now) : (int)syscall(SYS_clock_gettime, id, now);
    int64_t ns = id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE ? atomic_load(&ahead_ns) : 0;
    if (r == 0 && ns) {
        ns += now->tv_nsec;
        now->tv_sec += ns / 1000000000 - (ns % 1000000000 < 0);
        now->tv_nsec = ns % 1000000000 + (ns % 1000000000 < 0 ? 1000000000 : 0);
    }
    return r;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec t;
    (void)zone;
    int r = clock_gettime(CLOCK_REALTIME, &t);
    *now = (struct timeval){t.tv_sec, t.tv_nsec / 1000};
    return r;
}

time_t time(time_t *out)
{
    struct timespec t = {0, 0};
    clock_gettime(CLOCK_REALTIME, &t);
    if (out)
        *out = t.tv_sec;
    return t.tv_sec;
}

void faults_jump_clock(int64_t ns)
{
    atomic_store(&ahead_ns, ns);
    atomic_fetch_add(&stress->clock_jumps, 1);
}

/* ---- life -----------------------------------------------------------------------------------------------
 */

void faults_init(void)
{
    *(void **)&read_clock = dlsym(RTLD_NEXT, "clock_gettime");
    interpose_resolve();
    create = interpose_real.pthread_create;
    interpose_real.pthread_create = create_or_not;
}

void faults_in_child(void)
{
    atomic_store(&armed, false);
    atomic_store(&no_threads, false);
    atomic_store(&ahead_ns, 0);
}
