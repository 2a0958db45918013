#include "contention_rig.h"

#include "capture/contention_wait.h"
#include "capture/interpose.h"

#include <math.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

/*
 * A program's signal handler jumps while it has interrupted contention.c, at any instruction of it: its
 * thread does nothing else, and a timer of its own goes off at random. The functions are called as the
 * wrappers call them, without a lock: who jumps out of libc's locking breaks the lock itself.
 */

enum { JUMPERS = 2, LOCKS = 3, JUMPS = 3000, MAX_DELAY_NS = 30000, TURNS = 300, ALTERNATE_BYTES = 1 << 16 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t over;
static char *alternate; /* a stack above that of the thread that uses it: on the first thread's */
static atomic_int jumping;
static atomic_int at_bucket, elsewhere; /* where jumps found their thread busy */

struct jumper {
    sigjmp_buf out;
    timer_t timer;
    uint64_t random;
    volatile int turns; /* of the loop, ever */
};
static __thread struct jumper self;

/* A lock is a name; all of these share the first bucket. */
static const void *lock_of(int turn)
{
    return (const void *)((uintptr_t)(turn % LOCKS + 1) << 32);
}

static void note_where(void)
{
    const struct thread *t = thread_self();
    if (t->busy)
        atomic_fetch_add(t->bucket ? &at_bucket : &elsewhere, 1);
}

static void jump_out(int signal)
{
    (void)signal;
    note_where();
    siglongjmp(self.out, 1);
}

static void jump_within(int signal)
{
    sigjmp_buf here;
    (void)signal;
    note_where();
    if (!sigsetjmp(here, 1))
        siglongjmp(here, 1);
}

/* A wait and an unlock, and the waits that have no holder. */
static NAMED void go_round(int turn)
{
    struct unwind_regs here;
    UNWIND_HERE(&here);
    struct contention_wait w = {.t = thread_self(), .lock = lock_of(turn), .here = &here};
    contention_wait_begin(&w);
    w.outcome = turn % 2 ? CONTENTION_TAKEN : CONTENTION_SHARED;
    contention_wait_end(&w);
    if (turn % 2)
        contention_release(w.t, w.lock, &here);
    else
        contention_release_shared(w.t, w.lock, &here);
    contention_block_end(w.t, contention_block_begin(), &here);
}

static void timer_begin(uint64_t seed)
{
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1};
    event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
    ck_assert_int_eq(timer_create(CLOCK_MONOTONIC, &event, &self.timer), 0);
    self.random = seed;
}

static void timer_arm(void)
{
    self.random = self.random * UINT64_C(6364136223846793005) + 1442695040888963407;
    struct itimerspec soon = {.it_value.tv_nsec = 1 + (long)((self.random >> 33) % MAX_DELAY_NS)};
    timer_settime(self.timer, 0, &soon, NULL);
}

static NAMED void take(void)
{
    pthread_mutex_lock(&mutex);
    NOT_A_TAIL_CALL();
}

static NAMED void let_go(void)
{
    pthread_mutex_unlock(&mutex);
    NOT_A_TAIL_CALL();
}

/* What every thread does when the jumps are over: one wait, for main; then turns at a lock, for the law. */
static NAMED void contend(void)
{
    pthread_barrier_wait(&over);
    pthread_barrier_wait(&over);
    for (int i = 0; i <= TURNS; i++) {
        take();
        busy_us(20);
        let_go();
    }
}

static void *jumps_out(void *seed)
{
    timer_begin((uintptr_t)seed);
    for (volatile int jumps = 0; jumps < JUMPS; jumps++)
        if (!sigsetjmp(self.out, 1)) {
            timer_arm();
            for (;;)
                go_round(self.turns++);
        }
    timer_delete(self.timer);
    atomic_fetch_sub(&jumping, 1);
    contend();
    return NULL;
}

static void *jumps_within(void *seed)
{
    stack_t other = {.ss_sp = alternate, .ss_size = ALTERNATE_BYTES};
    if ((uintptr_t)seed == 0)
        sigaltstack(&other, NULL);
    timer_begin((uintptr_t)seed);
    for (int i = 0; i < JUMPS; i++) {
        timer_arm();
        for (int turn = 0; turn < 10; turn++)
            go_round(self.turns++);
    }
    timer_delete(self.timer);
    atomic_fetch_sub(&jumping, 1);
    contend();
    return NULL;
}

/* Gets no signals, and has to get on. */
static void *goes_on(void *arg)
{
    do
        for (int i = 0; i < 100; i++)
            go_round(self.turns++);
    while (atomic_load(&jumping));
    contend();
    return arg;
}

/* ---- what is left of it ----------------------------------------------------------------------------------
 */

static int count_waiting(void)
{
    int n = 0;
    for (uint32_t i = 0; i < thread_count(); i++)
        n += *(struct contention_wait *volatile *)&thread_at(i)->waiting != NULL;
    return n;
}

/* Runs them, and a thread between them that gets no signals, to the end of their jumps. Then nobody waits at
 * the bucket; each of the threads still counts; and the law holds. How many events the jumps cost. */
static uint64_t check_storm(void (*handler)(int), int flags, void *(*run)(void *))
{
    pthread_t threads[JUMPERS + 1];
    struct unwind_regs here;
    UNWIND_HERE(&here);
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    start(1, 1);
    sigaction(SIGUSR1, &action, NULL);
    pthread_barrier_init(&over, NULL, JUMPERS + 2);
    atomic_store(&jumping, JUMPERS);
    for (uintptr_t i = 0; i <= JUMPERS; i++)
        pthread_create(&threads[i], NULL, i < JUMPERS ? run : goes_on, (void *)i);
    pthread_barrier_wait(&over);
    for (int i = 0; i < LOCKS; i++)
        contention_release(thread_self(), lock_of(i), &here);
    ck_assert_uint_eq(contention_active[contention_bucket(lock_of(0))], 0);
    ck_assert_int_eq(count_waiting(), 0);

    take();
    pthread_barrier_wait(&over);
    for (int tries = 0; tries < 3000 && count_waiting() <= JUMPERS; tries++)
        usleep(1000);
    ck_assert_int_eq(count_waiting(), JUMPERS + 1);
    let_go();
    for (int i = 0; i <= JUMPERS; i++)
        pthread_join(threads[i], NULL);
    struct snapshot_record suffered = sum_despite_losses(CONTENTION_BLOCK, take),
                           charged = sum_despite_losses(CONTENTION_MUTEX, let_go);
    ck_assert_int_ge(suffered.values[0], JUMPERS + 1);
    ck_assert_double_le(fabs((double)charged.values[1] / (double)suffered.values[1] - 1), 0.05);
    /* Or nothing has been tried: jumps with the bucket's lock, or for it, and jumps besides. */
    ck_assert_int_ge(atomic_load(&at_bucket), 10);
    ck_assert_int_ge(atomic_load(&elsewhere), 10);
    return lost();
}

START_TEST(test_jumps_out)
{
    ck_assert_uint_le(check_storm(jump_out, 0, jumps_out), 2 * JUMPERS * JUMPS);
}
END_TEST

/* Those leave what they interrupted alone, on the alternate stack, too. */
START_TEST(test_jumps_within_a_handler)
{
    char stack[ALTERNATE_BYTES];
    alternate = stack;
    ck_assert_uint_eq(check_storm(jump_within, SA_ONSTACK, jumps_within), 0);
}
END_TEST

/* ---- step by step ---------------------------------------------------------------------------------
 */

#if defined(__x86_64__)

enum { TRAP_FLAG = 0x100, STRIDE = 3 }; /* one step costs microseconds on virtual machines */

static volatile int steps_left; /* negative: no more */

static void step(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)info;
    if (steps_left < 0)
        ((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
    else if (steps_left-- == 0)
        siglongjmp(self.out, 1);
}

/* A wait, left after n instructions. False: they were over by then. */
static bool leave_after(int n, const void *lock)
{
    struct unwind_regs here;
    UNWIND_HERE(&here);
    if (sigsetjmp(self.out, 1))
        return true;
    struct contention_wait w = {.t = thread_self(), .lock = lock, .here = &here};
    steps_left = n;
    __builtin_ia32_writeeflags_u64(__builtin_ia32_readeflags_u64() | TRAP_FLAG);
    contention_wait_begin(&w);
    w.outcome = CONTENTION_TAKEN;
    contention_wait_end(&w);
    steps_left = -1;
    return false;
}

static struct thread *start_stepping(void)
{
    struct sigaction action = {.sa_sigaction = step, .sa_flags = SA_SIGINFO};
    start(1, 0);
    sigaction(SIGTRAP, &action, NULL);
    return thread_self();
}

/* Another's wait for the same lock goes on meanwhile. It is counted all the time, once, and charged. */
START_TEST(test_jump_after_so_many_instructions)
{
    const void *lock = lock_of(0);
    struct unwind_regs here;
    UNWIND_HERE(&here);
    struct thread *t = start_stepping();
    int n = 0;
    for (bool left = true; left; n += STRIDE) {
        struct contention_wait other = {.t = t, .lock = lock, .here = &here};
        int64_t charged = -sum_despite_losses(CONTENTION_MUTEX, NULL).values[1];
        int64_t before = clock_monotonic_ns();
        contention_wait_begin(&other);
        t->waiting = NULL; /* as if it was another thread's */
        int64_t began = clock_monotonic_ns();
        left = leave_after(n, lock);
        int64_t stepped = clock_monotonic_ns() - began;
        busy_us(20);
        int64_t shortest = clock_monotonic_ns() - began;
        other.outcome = CONTENTION_TAKEN;
        contention_wait_end(&other);
        contention_release(t, lock, &here);
        int64_t longest = clock_monotonic_ns() - before + stepped;
        charged += sum_despite_losses(CONTENTION_MUTEX, NULL).values[1];
        ck_assert_uint_eq(contention_active[contention_bucket(lock)], 0);
        ck_assert_int_le(charged, longest);
        ck_assert_int_ge(charged, shortest);
    }
    ck_assert_uint_eq(lost(), 0);
    ck_assert_int_ge(n, 100);
}
END_TEST

/* A wait that is linked to no thread, as if it was another's. */
static void begin_elsewhere(struct contention_wait *w)
{
    struct contention_wait *outer = w->t->waiting;
    w->t->waiting = NULL;
    contention_wait_begin(w);
    w->t->waiting = outer;
}

static void end_elsewhere(struct contention_wait *w)
{
    w->outcome = CONTENTION_TAKEN;
    contention_wait_end(w);
}

/* A wait in which a handler unlocks another lock of the bucket, and leaves both after n instructions. `later`
 * begins meanwhile, so that the same records are in use as before the wait. False: they were over by then. */
static bool leave_from_a_handler(int n, const void *lock, struct contention_wait *later)
{
    struct unwind_regs here;
    UNWIND_HERE(&here);
    volatile bool left = true;
    if (sigsetjmp(self.out, 1))
        return left;
    struct contention_wait w = {.t = thread_self(), .lock = lock, .here = &here};
    uint32_t before = contention_active[contention_bucket(lock)];
    contention_wait_begin(&w);
    begin_elsewhere(later);
    ck_assert_uint_eq(contention_active[contention_bucket(lock)], before);
    steps_left = n;
    __builtin_ia32_writeeflags_u64(__builtin_ia32_readeflags_u64() | TRAP_FLAG);
    contention_release(w.t, lock_of(1), &here);
    steps_left = -1;
    left = false;
    siglongjmp(self.out, 1);
}

/* The wait had been counted long before, so it is counted out, wherever its handler was. */
START_TEST(test_jump_from_a_handler_out_of_a_wait)
{
    const void *lock = lock_of(0);
    struct unwind_regs here;
    UNWIND_HERE(&here);
    struct thread *t = start_stepping();
    int n = 0;
    for (bool left = true; left; n++) {
        struct contention_wait first = {.t = t, .lock = lock, .here = &here}, later = first;
        begin_elsewhere(&first);
        left = leave_from_a_handler(n, lock, &later);
        ck_assert_ptr_null(t->waiting);
        end_elsewhere(&first);
        end_elsewhere(&later);
        contention_release(t, lock, &here);
        ck_assert_msg(contention_active[contention_bucket(lock)] == 0,
            "somebody still waits, after %d instructions", n);
    }
    ck_assert_int_ge(n, 30);
}
END_TEST

#endif

/* ---- while off -------------------------------------------------------------------------------------------
 */

static void *waits_until_alarm(void *arg)
{
    if (!sigsetjmp(self.out, 1))
        take();
    return arg;
}

/* The wait is over, though capture is off by then. */
START_TEST(test_jump_while_off)
{
    pthread_t t;
    start(1, 1);
    signal(SIGUSR1, jump_out);
    take();
    pthread_create(&t, NULL, waits_until_alarm, NULL);
    while (count_waiting() == 0)
        usleep(1000);
    capture_stop();
    pthread_kill(t, SIGUSR1);
    for (int tries = 0; tries < 3000 && count_waiting() > 0; tries++)
        usleep(1000);
    ck_assert_int_eq(count_waiting(), 0);
    pthread_join(t, NULL);
}
END_TEST

Suite *suite(void)
{
    const TTest *const tests[] = {
#if defined(__x86_64__)
        test_jump_after_so_many_instructions,
        test_jump_from_a_handler_out_of_a_wait,
#endif
        test_jumps_out,
        test_jumps_within_a_handler,
        test_jump_while_off
    };
    return HARNESS_SUITE("jumps", 20, tests);
}
