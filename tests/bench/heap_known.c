#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * 64 MiB alive and 640 MiB churned in blocks of 4 KiB, and what a heap profiler says of it. Compiled three
 * times:
 *
 *     for libcprof              jemalloc's profile, read by capture/heap.c
 *     PEER_GPERFTOOLS           gperftools' heap profiler, whose text is read here
 *     PEER_JEMALLOC             jemalloc's profile as it is, in the file named by the argument, for jeprof
 *
 * Prints "live BYTES", "churn BYTES" and "ns NANOSECONDS", the last for each allocation and its free.
 */

enum { BLOCK = 4096, LIVE = 16384, CHURN = 163840 };

void *live[LIVE];

#define NAMED __attribute__((noinline, noclone, aligned(1024), section(".text.named")))

NAMED void allocate_live(void);
NAMED void churn(void);

NAMED void allocate_live(void)
{
    for (int i = 0; i < LIVE; i++)
        live[i] = malloc(BLOCK);
    __asm__ volatile("" ::: "memory");
}

NAMED void churn(void)
{
    for (int i = 0; i < CHURN; i++) {
        void *p = malloc(BLOCK);
        __asm__ volatile("" ::"r"(p) : "memory");
        free(p);
    }
    __asm__ volatile("" ::: "memory");
}

#if !defined(PEER_JEMALLOC)
static int is_in(void (*function)(void), uintptr_t pc)
{
    return pc > (uintptr_t)function && pc < (uintptr_t)function + 1024;
}
#endif

#if defined(PEER_GPERFTOOLS)

void HeapProfilerStart(const char *prefix);
void HeapProfilerStop(void);
char *GetHeapProfile(void);

static void begin(const char *file)
{
    HeapProfilerStart(file);
}

/* Lines "objects: bytes [objects: bytes] @ 0x… 0x…", counted as they are. */
static void report(const char *file)
{
    (void)file;
    int64_t alive = 0, churned = 0;
    char *text = GetHeapProfile();
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        int64_t n, bytes, ever, ever_bytes;
        int at = 0, in_live = 0, in_churn = 0;
        if (sscanf(line, "%" SCNd64 ": %" SCNd64 " [%" SCNd64 ": %" SCNd64 "] @%n", &n, &bytes, &ever,
                &ever_bytes, &at) < 4 ||
            !at)
            continue;
        char *p = line + at, *end;
        for (uintptr_t pc; (pc = strtoull(p, &end, 16)) != 0 && end > p; p = end) {
            in_live |= is_in(allocate_live, pc);
            in_churn |= is_in(churn, pc);
        }
        alive += in_live ? bytes : 0;
        churned += in_churn ? ever_bytes : 0;
    }
    printf("live %" PRId64 "\nchurn %" PRId64 "\n", alive, churned);
    HeapProfilerStop();
}

#elif defined(PEER_JEMALLOC)

int mallctl(const char *name, void *old, size_t *old_bytes, void *value, size_t value_bytes);
extern const char *malloc_conf;
const char *malloc_conf = "prof:true,prof_accum:true,lg_prof_sample:19";

static void begin(const char *file)
{
    (void)file;
}

static void report(const char *file)
{
    if (mallctl("prof.dump", NULL, NULL, &file, sizeof file) != 0)
        exit(1);
}

#else

#include "capture/heap.h"

static void begin(const char *rate)
{
    if (heap_start(rate ? atol(rate) : 524288) != 0)
        exit(1);
}

static void report(const char *rate)
{
    (void)rate;
    struct snapshot s;
    int64_t alive = 0, churned = 0;
    if (heap_snapshot(&s) != 0)
        exit(1);
    for (size_t i = 0; i < s.records.len; i++) {
        const struct snapshot_record *r = &s.records.items[i];
        uintptr_t leaf = r->depth ? s.pcs.items[r->first_pc] : 0;
        alive += is_in(allocate_live, leaf) ? r->values[3] : 0;
        churned += is_in(churn, leaf) ? r->values[1] : 0;
    }
    printf("live %" PRId64 "\nchurn %" PRId64 "\n", alive, churned);
    snapshot_fini(&s);
}

#endif

int main(int argc, char **argv)
{
    const char *argument = argc > 1 ? argv[1] : NULL;
    begin(argument);
    int64_t before = clock_monotonic_ns();
    allocate_live();
    churn();
    double ns = (double)(clock_monotonic_ns() - before) / (LIVE + CHURN);
    report(argument);
    printf("ns %.1f\n", ns);
    return 0;
}
