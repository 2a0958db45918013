#include "harness.h"

#include "base/clock.h"
#include "capture/unwind.h"
#include "capture/unwind_tables.h"

#include <dlfcn.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>
#include <unwind.h>

/* libgcc's unwinder is the oracle: slow, general, and another's. */
struct oracle {
    uintptr_t pcs[256];
    int depth;
};

static _Unwind_Reason_Code oracle_visit(struct _Unwind_Context *context, void *data)
{
    struct oracle *o = data;
    uintptr_t pc = _Unwind_GetIP(context);
    if (pc && o->depth < 256)
        o->pcs[o->depth++] = pc;
    return _URC_NO_REASON;
}

static struct unwind_memory own_stack(void)
{
    pthread_attr_t attr;
    void *lo;
    size_t size;
    pthread_getattr_np(pthread_self(), &attr);
    pthread_attr_getstack(&attr, &lo, &size);
    pthread_attr_destroy(&attr);
    return (struct unwind_memory){(uintptr_t)lo, (uintptr_t)lo + size, lo};
}

static struct unwind_memory memory;

/* All but the leaf, whose address is of another instruction, must be as the oracle has them. */
static __attribute__((noinline)) int callers_match(void)
{
    struct oracle o = {.depth = 0};
    struct unwind_regs here;
    struct unwind_stack stack;
    UNWIND_HERE(&here);
    unwind_here_sigsafe(&here, &memory, &stack);
    _Unwind_Backtrace(oracle_visit, &o);
    int depth = o.depth < UNWIND_MAX_DEPTH ? o.depth : UNWIND_MAX_DEPTH;
    if (stack.depth != depth || stack.truncated != (o.depth > UNWIND_MAX_DEPTH))
        return 0;
    return memcmp(stack.pcs + 1, o.pcs + 1, (size_t)(depth - 1) * sizeof *o.pcs) == 0;
}

static void prepare(void)
{
    ck_assert_int_eq(unwind_refresh(), 0);
    memory = own_stack();
}

static int ncompared, nmatched;

static int compare_ints(const void *a, const void *b)
{
    ncompared++;
    nmatched += callers_match();
    return *(const int *)a - *(const int *)b;
}

START_TEST(test_through_libc)
{
    prepare();
    int numbers[64];
    for (int i = 0; i < 64; i++)
        numbers[i] = i * 37 % 64;
    qsort(numbers, 64, sizeof numbers[0], compare_ints);
    ck_assert_int_ge(ncompared, 64);
    ck_assert_int_eq(nmatched, ncompared);
    memory = (struct unwind_memory){0}; /* nothing to be read directly: the kernel reads */
    ck_assert(callers_match());
}
END_TEST

static __attribute__((noinline)) int deep(volatile int n)
{
    int r = n ? deep(n - 1) : callers_match();
    return r + (n < 0);
}

START_TEST(test_depth_is_bounded)
{
    prepare();
    ck_assert_int_eq(deep(20), 1);
    ck_assert_int_eq(deep(UNWIND_MAX_DEPTH + 50), 1);
}
END_TEST

/* The best of some, since others have the machine, too. */
static int64_t best_ns(int64_t best, int64_t begun_ns)
{
    int64_t took = clock_monotonic_ns() - begun_ns;
    return took < best ? took : best;
}

static int64_t ours_ns = INT64_MAX, libgcc_ns = INT64_MAX;

static __attribute__((noinline)) int time_both(volatile int n)
{
    if (n)
        return time_both(n - 1) + (n < 0);
    for (int i = 0; i < 200; i++) {
        struct oracle o = {.depth = 0};
        struct unwind_regs here;
        struct unwind_stack stack;
        int64_t begun = clock_monotonic_ns();
        UNWIND_HERE(&here);
        unwind_here_sigsafe(&here, &memory, &stack);
        ours_ns = best_ns(ours_ns, begun);
        begun = clock_monotonic_ns();
        _Unwind_Backtrace(oracle_visit, &o);
        libgcc_ns = best_ns(libgcc_ns, begun);
        if (stack.depth != o.depth || stack.truncated)
            return 0;
    }
    return 1;
}

/* Of what libgcc takes for the same frames, a quarter at most. */
START_TEST(test_cost_of_a_frame)
{
    enum { FRAMES = 100 };
    prepare();
    ck_assert_int_eq(time_both(FRAMES), 1);
    printf("a frame: %.1f ns, libgcc %.1f ns\n", (double)ours_ns / FRAMES, (double)libgcc_ns / FRAMES);
#if defined(__x86_64__)
    ck_assert_int_lt(ours_ns * 4, libgcc_ns);
#endif
}
END_TEST

/* ---- single-stepping ------------------------------------------------------------------------------------
 */

#if defined(__x86_64__)

static long nsteps, nwrong, nplt;
static uintptr_t wrong_at[16];
static volatile sig_atomic_t stepping;

static bool same_stack(const struct unwind_stack *ours, const struct oracle *o, uintptr_t rip)
{
    int from = 0;
    while (from < o->depth && o->pcs[from] != rip)
        from++;
    int depth = o->depth - from < UNWIND_MAX_DEPTH ? o->depth - from : UNWIND_MAX_DEPTH;
    return ours->depth == depth && memcmp(ours->pcs, o->pcs + from, (size_t)depth * sizeof *o->pcs) == 0;
}

static void on_step(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)info;
    greg_t *g = ((ucontext_t *)context)->uc_mcontext.gregs;
    if (!stepping) {
        g[REG_EFL] &= ~0x100;
        return;
    }
    struct oracle o = {.depth = 0};
    struct unwind_stack stack;
    unwind_context_sigsafe(context, &memory, &stack);
    _Unwind_Backtrace(oracle_visit, &o);
    if (!same_stack(&stack, &o, (uintptr_t)g[REG_RIP])) {
        if (nwrong < 16)
            wrong_at[nwrong] = (uintptr_t)g[REG_RIP];
        nwrong++;
    }
    const unsigned char *code = (const unsigned char *)g[REG_RIP];
    nplt += code[0] == 0xff && code[1] == 0x25; /* jmp *GOT(%rip) */
    nsteps++;
}

static void step_begin(void)
{
    stepping = 1;
    __asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq" ::: "memory", "cc");
}

static void step_end(void)
{
    stepping = 0;
}

static int by_value(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static __attribute__((noinline)) void work(void)
{
    static char text[4096], other[4096];
    int numbers[24];
    for (int i = 0; i < 24; i++)
        numbers[i] = i * 7 % 24;
    qsort(numbers, 24, sizeof numbers[0], by_value);
    memcpy(other, text, sizeof text - 3);
    memset(text, 'x', 1000);
    snprintf(text, sizeof text, "%s %d %.3f %p", "text", 42, 3.25, (void *)numbers);
    void *blocks[12];
    for (int i = 0; i < 12; i++)
        blocks[i] = malloc((size_t)16 << i);
    for (int i = 0; i < 12; i++)
        free(blocks[i]);
    pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&m);
    pthread_mutex_unlock(&m);
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t); /* the vDSO */
    getppid();
    strtod("2.5e3", NULL);
}

/* Every single instruction of qsort, printf, malloc, lazy binding, PLT entries, the vDSO: the same stack as
 * libgcc finds there. */
START_TEST(test_every_instruction)
{
    prepare();
    struct sigaction s = {.sa_sigaction = on_step, .sa_flags = SA_SIGINFO};
    sigaction(SIGTRAP, &s, NULL);
    step_begin();
    work();
    step_end();
    for (long i = 0; i < nwrong && i < 16; i++) {
        Dl_info d = {0};
        dladdr((void *)wrong_at[i], &d);
        printf("differs at %s+0x%zx %s\n", d.dli_fname, (size_t)(wrong_at[i] - (uintptr_t)d.dli_fbase),
            d.dli_sname ? d.dli_sname : "");
    }
    printf("%ld instructions, %ld differ, %ld PLT jumps\n", nsteps, nwrong, nplt);
    ck_assert_int_gt(nsteps, 10000);
    ck_assert_int_gt(nplt, 20);
    ck_assert_int_le(nwrong * 10000, nsteps);
}
END_TEST

/* ---- bad addresses --------------------------------------------------------------------------------------
 */

static sigjmp_buf escape;
static struct unwind_stack crash_stack;

static void on_crash(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)info;
    unwind_context_sigsafe(context, &memory, &crash_stack);
    siglongjmp(escape, 1);
}

static __attribute__((noinline, noclone, aligned(1024), section(".text.named"))) void call_nowhere(
    void (*volatile f)(void))
{
    f();
    __asm__ volatile("" ::: "memory");
}

START_TEST(test_call_through_bad_pointer)
{
    prepare();
    struct sigaction s = {.sa_sigaction = on_crash, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &s, NULL);
    if (!sigsetjmp(escape, 1))
        call_nowhere((void (*)(void))(uintptr_t)16);
    ck_assert_uint_eq(crash_stack.pcs[0], 16);
    ck_assert_uint_gt(crash_stack.depth, 3);
    ck_assert(
        crash_stack.pcs[1] > (uintptr_t)call_nowhere && crash_stack.pcs[1] < (uintptr_t)call_nowhere + 1024);
    ck_assert(!crash_stack.truncated);
}
END_TEST

START_TEST(test_garbage_registers)
{
    prepare();
    srandom(1);
    uintptr_t interesting[] = {0, 1, 8, UINTPTR_MAX, UINTPTR_MAX - 7, (uintptr_t)callers_match,
        (uintptr_t)printf + 3, (uintptr_t)&memory, memory.hi, memory.hi - 8, memory.lo, (uintptr_t)qsort + 40,
        (uintptr_t)interesting};
    enum { N = sizeof interesting / sizeof *interesting };
    for (int i = 0; i < 20000; i++) {
        uintptr_t r[4];
        for (int k = 0; k < 4; k++)
            r[k] = random() % 4 ? interesting[random() % N] + (uintptr_t)(random() % 64)
                                : (uintptr_t)random() << 16 ^ (uintptr_t)random();
        struct unwind_regs regs = {r[0], r[1], r[2], r[3]};
        struct unwind_stack stack = {.depth = 999};
        unwind_saved_sigsafe(&regs, i & 1 ? &memory : &(struct unwind_memory){0}, &stack);
        ck_assert_uint_ge(stack.depth, 1);
        ck_assert_uint_le(stack.depth, UNWIND_MAX_DEPTH);
    }
}
END_TEST

#endif

/* ---- objects that come and go ---------------------------------------------------------------------------
 */

START_TEST(test_tables_follow_dlopen)
{
    prepare();
    void *library = dlopen("libthread_db.so.1", RTLD_LAZY);
    ck_assert_ptr_nonnull(library);
    uintptr_t inside = (uintptr_t)dlsym(library, "td_ta_new");
    ck_assert_int_eq(unwind_refresh(), 0);
    ck_assert(unwind_is_code_sigsafe(inside));
    ck_assert(callers_match());
    for (int i = 0; i < 50; i++) {
        dlclose(library);
        ck_assert_int_eq(unwind_refresh(), 0);
        ck_assert(!unwind_is_code_sigsafe(inside));
        library = dlopen("libthread_db.so.1", RTLD_LAZY);
        ck_assert_int_eq(unwind_refresh(), 0);
        inside = (uintptr_t)dlsym(library, "td_ta_new");
        ck_assert(unwind_is_code_sigsafe(inside));
    }
    dlclose(library);
}
END_TEST

/* ---- remembered rows -------------------------------------------------------------------------------------
 */

#if defined(__x86_64__)

/* Places of which what is remembered of one takes the place of what is of the other. */
enum { PAIRS = 8, TURNS = 100000, MADE_UP = 64 };
static struct pair {
    uintptr_t pc[2];
    struct unwind_stack expected[2];
} pairs[PAIRS];
static uintptr_t made_up[MADE_UP];
static _Atomic int wrong;

static void walk_made_up(uintptr_t pc, struct unwind_stack *out)
{
    struct unwind_regs regs = {pc, (uintptr_t)made_up, (uintptr_t)(made_up + 8), 0};
    struct unwind_memory all = {(uintptr_t)made_up, (uintptr_t)(made_up + MADE_UP), (const char *)made_up};
    unwind_saved_sigsafe(&regs, &all, out);
}

static bool is_same(const struct unwind_stack *a, const struct unwind_stack *b)
{
    return a->depth == b->depth && memcmp(a->pcs, b->pcs, a->depth * sizeof *a->pcs) == 0;
}

static void *walk_pairs(void *which)
{
    for (int k = 0; k < PAIRS; k++) {
        const struct pair *p = &pairs[k];
        for (int i = 0; i < TURNS; i++) {
            struct unwind_stack found;
            walk_made_up(p->pc[which != NULL], &found);
            wrong += !is_same(&found, &p->expected[which != NULL]);
        }
    }
    return NULL;
}

/* The stack goes on differently from two of libc's instructions whose rows have one place in memory. */
static int find_pairs(void)
{
    static uintptr_t first[1 << 16];
    struct unwind_stack one, other;
    int n = 0;
    uintptr_t from = (uintptr_t)qsort, to = from + 40000;
    for (uintptr_t pc = from; pc < to && n < PAIRS; pc++) {
        uintptr_t *place = &first[unwind_memo_of(pc)];
        if (!*place) {
            *place = pc;
            continue;
        }
        walk_made_up(*place, &one);
        walk_made_up(pc, &other);
        if (is_same(&one, &other) || one.pcs[1] == other.pcs[1])
            continue;
        pairs[n++] = (struct pair){{*place, pc}, {one, other}};
        *place = pc;
    }
    return n;
}

/* While one thread writes what it has found, another reads it: whole, or not at all. */
START_TEST(test_rows_are_remembered_whole)
{
    prepare();
    for (int i = 0; i < MADE_UP; i++)
        made_up[i] = 16 * (uintptr_t)(i + 1); /* no code: there the walk ends */
    ck_assert_int_eq(find_pairs(), PAIRS);
    pthread_t t;
    ck_assert_int_eq(pthread_create(&t, NULL, walk_pairs, pairs), 0);
    walk_pairs(NULL);
    pthread_join(t, NULL);
    ck_assert_int_eq(wrong, 0);
}
END_TEST

#endif

Suite *suite(void)
{
    const TTest *const tests[] = {
        test_through_libc,
        test_depth_is_bounded,
        test_cost_of_a_frame,
#if defined(__x86_64__)
        test_every_instruction,
        test_call_through_bad_pointer,
        test_garbage_registers,
        test_rows_are_remembered_whole,
#endif
        test_tables_follow_dlopen,
    };
    return HARNESS_SUITE("unwind", 20, tests);
}
