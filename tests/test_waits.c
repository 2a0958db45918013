#include "harness.h"

#include "capture/capture.h"
#include "capture/cpu.h"
#include "capture/interpose.h"
#include "capture/threads.h"
#include "capture/wall.h"

#include "base/clock.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <threads.h>
#include <unistd.h>

/*
 * No wait of the program's may end early because of the profiler, neither with EINTR nor otherwise: waits
 * that are older than capture, waits that begin just as a signal of ours is on its way, waits without a
 * wrapper.
 */

/* Each alone in its kilobyte, so that an address says whose it is. */
#define NAMED __attribute__((noinline, noclone, aligned(1024), section(".text.named")))

enum { WAIT_MS = 1000 };

static int quiet[2], sockets[2];
static sem_t never;
static atomic_int begun, ended, disturbed, restarted_ended, late;

static struct timespec in_ms(clockid_t clock, int ms)
{
    struct timespec t;
    clock_gettime(clock, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += ms % 1000 * 1000000L;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    return t;
}

static sigset_t nothing_but(int number)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    return set;
}

/* ---- the kinds of waits: each returns whether it ended as it should -------------------------------------
 */

/* As programs without a libc make them: nobody can wrap these. -errno. */
#define RAW_CALL(number, a, b, c)                              \
    __extension__({                                            \
        long result_;                                          \
        __asm__ volatile("movl %1, %%eax\n\tsyscall"           \
                         : "=&a"(result_)                      \
                         : "i"(number), "D"(a), "S"(b), "d"(c) \
                         : "rcx", "r11", "memory");            \
        result_;                                               \
    })

static NAMED bool by_poll(int ms)
{
    struct pollfd p = {.fd = quiet[0], .events = POLLIN};
    return poll(&p, 1, ms) == 0;
}

static NAMED bool by_ppoll(int ms)
{
    struct pollfd p = {.fd = quiet[0], .events = POLLIN};
    struct timespec t = {ms / 1000, ms % 1000 * 1000000L};
    return ppoll(&p, 1, &t, NULL) == 0;
}

static NAMED bool by_select(int ms)
{
    struct timeval t = {ms / 1000, ms % 1000 * 1000L};
    return select(0, NULL, NULL, NULL, &t) == 0;
}

static NAMED bool by_pselect(int ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000L};
    sigset_t mask = nothing_but(SIGUSR2);
    return pselect(0, NULL, NULL, NULL, &t, &mask) == 0;
}

static NAMED bool by_epoll_wait(int ms)
{
    struct epoll_event event;
    int fd = epoll_create1(0), r = epoll_wait(fd, &event, 1, ms);
    close(fd);
    return r == 0;
}

static NAMED bool by_epoll_pwait(int ms)
{
    struct epoll_event event;
    sigset_t mask = nothing_but(SIGUSR2);
    int fd = epoll_create1(0), r = epoll_pwait(fd, &event, 1, ms, &mask);
    close(fd);
    return r == 0;
}

static NAMED bool by_epoll_pwait2(int ms)
{
    struct epoll_event event;
    struct timespec t = {ms / 1000, ms % 1000 * 1000000L};
    int fd = epoll_create1(0), r = epoll_pwait2(fd, &event, 1, &t, NULL);
    close(fd);
    return r == 0;
}

static NAMED bool by_nanosleep(int ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000L};
    return nanosleep(&t, NULL) == 0;
}

static NAMED bool by_clock_nanosleep(int ms)
{
    struct timespec t = in_ms(CLOCK_MONOTONIC, ms);
    return clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == 0;
}

static NAMED bool by_usleep(int ms)
{
    return usleep((useconds_t)ms * 1000) == 0;
}

static NAMED bool by_sleep(int ms)
{
    return sleep((unsigned)(ms + 999) / 1000) == 0;
}

static NAMED bool by_thrd_sleep(int ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000L};
    return thrd_sleep(&t, NULL) == 0;
}

static NAMED bool by_sem_timedwait(int ms)
{
    struct timespec t = in_ms(CLOCK_REALTIME, ms);
    return sem_timedwait(&never, &t) == -1 && errno == ETIMEDOUT;
}

static NAMED bool by_sem_clockwait(int ms)
{
    struct timespec t = in_ms(CLOCK_MONOTONIC, ms);
    return sem_clockwait(&never, CLOCK_MONOTONIC, &t) == -1 && errno == ETIMEDOUT;
}

static NAMED bool by_sigtimedwait(int ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000L};
    sigset_t set = nothing_but(SIGUSR2);
    return sigtimedwait(&set, NULL, &t) == -1 && errno == EAGAIN;
}

static NAMED bool by_recv(int ms)
{
    char byte;
    struct timeval t = {ms / 1000, ms % 1000 * 1000L};
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) ||
        setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t))
        return false;
    return recv(pair[0], &byte, 1, 0) == -1 && errno == EAGAIN && close(pair[0]) == 0 && close(pair[1]) == 0;
}

static NAMED bool by_raw_poll(int ms)
{
    struct pollfd p = {.fd = quiet[0], .events = POLLIN};
    return RAW_CALL(SYS_poll, &p, 1, ms) == 0;
}

static NAMED bool by_raw_nanosleep(int ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000L};
    return RAW_CALL(SYS_nanosleep, &t, 0, 0) == 0;
}

static NAMED bool by_syscall(int ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000L};
    return syscall(SYS_nanosleep, &t, NULL) == 0;
}

/* What a program compiled with _FORTIFY_SOURCE calls. */
int __poll_chk(struct pollfd *fds, nfds_t n, int timeout_ms, size_t room);
int __ppoll_chk(
    struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask, size_t room);
ssize_t __read_chk(int fd, void *to, size_t len, size_t room);
ssize_t __recv_chk(int fd, void *to, size_t len, size_t room, int flags);

static NAMED bool by_poll_chk(int ms)
{
    struct pollfd p = {.fd = quiet[0], .events = POLLIN};
    return __poll_chk(&p, 1, ms, sizeof p) == 0;
}

static NAMED bool by_ppoll_chk(int ms)
{
    struct pollfd p = {.fd = quiet[0], .events = POLLIN};
    struct timespec t = {ms / 1000, ms % 1000 * 1000000L};
    return __ppoll_chk(&p, 1, &t, NULL, sizeof p) == 0;
}

static NAMED bool by_semtimedop(int ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000L};
    struct sembuf one_less = {.sem_op = -1};
    int set = semget(IPC_PRIVATE, 1, 0600);
    bool ok = semtimedop(set, &one_less, 1, &t) == -1 && errno == EAGAIN;
    return semctl(set, 0, IPC_RMID) == 0 && ok;
}

/* state: of a thread that has been in it since before capture; full: its stack is known to the end then. */
static const struct kind {
    bool (*wait)(int ms);
    const char *name;
    enum thread_state state;
    bool full;
} kinds[] = {
    {by_poll, "poll", THREAD_POLL, true},
    {by_ppoll, "ppoll", THREAD_POLL, true},
    {by_select, "select", THREAD_POLL, true},
    {by_pselect, "pselect", THREAD_POLL, true},
    {by_epoll_wait, "epoll_wait", THREAD_POLL, true},
    {by_epoll_pwait, "epoll_pwait", THREAD_POLL, true},
    {by_epoll_pwait2, "epoll_pwait2", THREAD_POLL, true},
    {by_nanosleep, "nanosleep", THREAD_SLEEP, true},
    {by_clock_nanosleep, "clock_nanosleep", THREAD_SLEEP, true},
    {by_usleep, "usleep", THREAD_SLEEP, true},
    {by_sleep, "sleep", THREAD_SLEEP, true},
    {by_thrd_sleep, "thrd_sleep", THREAD_SLEEP, true},
    {by_sem_timedwait, "sem_timedwait", THREAD_SEMAPHORE, true},
    {by_sem_clockwait, "sem_clockwait", THREAD_SEMAPHORE, true},
    {by_sigtimedwait, "sigtimedwait", THREAD_SIGNAL, true},
    {by_poll_chk, "__poll_chk", THREAD_POLL, true},
    {by_ppoll_chk, "__ppoll_chk", THREAD_POLL, true},
    {by_semtimedop, "semtimedop", THREAD_SEMAPHORE, true},
    {by_recv, "recv", THREAD_SYSCALL, false},
    {by_raw_poll, "raw poll", THREAD_SYSCALL, false},
    {by_raw_nanosleep, "raw nanosleep", THREAD_SYSCALL, false},
    {by_syscall, "syscall", THREAD_SYSCALL, false},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

struct waiter {
    const struct kind *kind;
    pthread_t thread;
    pid_t tid;
};

static void *wait_once(void *arg)
{
    struct waiter *w = arg;
    w->tid = (pid_t)syscall(SYS_gettid);
    int64_t began = clock_monotonic_ns();
    atomic_fetch_add(&begun, 1);
    bool ok = w->kind->wait(WAIT_MS);
    int64_t lasted_ms = (clock_monotonic_ns() - began) / 1000000;
    if (!ok || lasted_ms < WAIT_MS - 2) {
        fprintf(stderr, "%s: %s after %d ms\n", w->kind->name, ok ? "early" : "failed", (int)lasted_ms);
        disturbed++;
    }
    ended++;
    if (w->kind->full)
        late += restarted_ended > 0;
    else if (w->kind->wait != by_syscall)
        restarted_ended++;
    return NULL;
}

static void prepare(void)
{
    sigset_t set = nothing_but(SIGUSR2);
    ck_assert_int_eq(pipe(quiet), 0);
    sem_init(&never, 0, 0);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static void start(void)
{
    struct capture_config config = {0};
    ck_assert_int_eq(capture_start(&config, NULL), 0);
}

static bool has_frame(const struct snapshot *s, uint32_t record, uintptr_t function)
{
    const struct snapshot_record *r = &s->records.items[record];
    for (int k = 0; k < r->depth; k++) {
        uintptr_t pc = s->pcs.items[r->first_pc + (size_t)k];
        if (pc > function && pc < function + 1024)
            return true;
    }
    return false;
}

/* False when a wait was over by then, on a busy machine. */
static bool check_dump(const struct waiter *waiters)
{
    struct threads_snapshot s;
    ck_assert_int_eq(threads_snapshot(&s), 0);
    if (ended > 0) {
        threads_snapshot_fini(&s);
        return false;
    }
    for (int i = 0; i < KINDS; i++) {
        const struct kind *kind = waiters[i].kind;
        const struct thread_info *t = threads_find(&s, waiters[i].tid);
        ck_assert_msg(t != NULL, "%s", kind->name);
        ck_assert_msg(t->state == kind->state, "%s: %s", kind->name, thread_state_text(t->state));
        ck_assert_msg(has_frame(&s.stacks, t->record, (uintptr_t)kind->wait), "%s: stack", kind->name);
        if (!kind->full)
            continue;
        ck_assert_msg(!s.stacks.records.items[t->record].truncated, "%s: cut", kind->name);
        ck_assert_msg(has_frame(&s.stacks, t->record, (uintptr_t)wait_once), "%s: callers", kind->name);
        ck_assert_int_ge(t->waiting_ns, 50000000);
        ck_assert_int_le(t->waiting_ns, WAIT_MS * INT64_C(1000000));
    }
    threads_snapshot_fini(&s);
    return true;
}

static void profile_wall(int64_t ns)
{
    struct wall_session *s;
    struct snapshot found;
    int64_t end = clock_monotonic_ns() + ns;
    ck_assert_int_eq(wall_session_start(WALL_MAX_HZ, &s), 0);
    while (clock_monotonic_ns() < end)
        clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){0, wall_session_sample(s)}, NULL);
    ck_assert_int_eq(wall_session_stop(s, &found), 0);
    snapshot_fini(&found);
}

static void profile_cpu(int64_t ns)
{
    struct cpu_session *s;
    struct snapshot found;
    ck_assert_int_eq(cpu_session_start(CPU_MAX_HZ, &s), 0);
    for (int64_t end = clock_monotonic_ns() + ns; clock_monotonic_ns() < end;)
        ;
    ck_assert_int_eq(cpu_session_stop(s, &found), 0);
    snapshot_fini(&found);
}

START_TEST(test_waits_older_than_capture)
{
    struct waiter waiters[KINDS];
    int dumps = 0;
    prepare();
    for (int i = 0; i < KINDS; i++) {
        waiters[i].kind = &kinds[i];
        ck_assert_int_eq(pthread_create(&waiters[i].thread, NULL, wait_once, &waiters[i]), 0);
    }
    while (begun < KINDS)
        usleep(1000);
    usleep(100000);
    for (int round = 0; round < 2; round++) {
        start();
        for (int i = 0; i < 20; i++)
            dumps += check_dump(waiters);
        profile_wall(200000000);
        profile_cpu(100000000);
        dumps += check_dump(waiters);
        capture_stop();
    }
    ck_assert_int_ge(dumps, 10);
    for (int i = 0; i < KINDS; i++)
        pthread_join(waiters[i].thread, NULL);
    ck_assert_int_eq(disturbed, 0);
}
END_TEST

/* ---- signals of ours that come to a wait after all -------------------------------------------------------
 */

/* Late ones, which nobody waits for an answer to. What syscall() waits in is known to nobody but its caller.
 */
static void signal_all(const struct waiter *waiters)
{
    for (int i = 0; i < KINDS; i++)
        if (waiters[i].kind->wait != by_syscall)
            syscall(SYS_tgkill, getpid(), waiters[i].tid, SIGURG);
}

/* Wrapped ones end on time, however often they were resumed, and so before the others, which begin again. */
static void storm_of_signals(bool on_before)
{
    struct waiter waiters[KINDS];
    prepare();
    start();
    if (!on_before)
        capture_stop();
    for (int i = 0; i < KINDS; i++) {
        waiters[i].kind = &kinds[i];
        ck_assert_int_eq(pthread_create(&waiters[i].thread, NULL, wait_once, &waiters[i]), 0);
    }
    while (begun < KINDS)
        usleep(1000);
    int64_t end = clock_monotonic_ns() + WAIT_MS * INT64_C(500000);
    while (clock_monotonic_ns() < end) {
        signal_all(waiters);
        usleep(10000);
    }
    ck_assert_int_eq(ended, 0);
    for (int i = 0; i < KINDS; i++)
        pthread_join(waiters[i].thread, NULL);
    ck_assert_int_eq(disturbed, 0);
    ck_assert_int_eq(late, 0);
}

START_TEST(test_signals_in_waits)
{
    storm_of_signals(true);
}
END_TEST

START_TEST(test_signals_in_waits_while_capture_is_off)
{
    storm_of_signals(false);
}
END_TEST

/* A program's signal must end a wait, even when one of ours is there at the same moment. */
static atomic_int handled, interrupted;

static void on_program(int number)
{
    (void)number;
    handled++;
}

static void *wait_for_both(void *arg)
{
    uint64_t all = UINT64_MAX, none = 0;
    struct pollfd p = {.fd = quiet[0], .events = POLLIN};
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, sizeof all);
    ended++;
    while (begun == 0)
        sched_yield();
    register long mask __asm__("r10") = (long)&none;
    register long size __asm__("r8") = sizeof none;
    long r;
    __asm__ volatile("movl %1, %%eax\n\tsyscall"
                     : "=&a"(r)
                     : "i"(SYS_ppoll), "D"(&p), "S"(1), "d"(0), "r"(mask), "r"(size)
                     : "rcx", "r11", "memory");
    interrupted = r == -EINTR;
    return arg;
}

static void check_both(int program)
{
    pthread_t t;
    prepare();
    signal(program, on_program);
    start();
    pthread_create(&t, NULL, wait_for_both, NULL);
    while (ended == 0)
        sched_yield();
    pthread_kill(t, program);
    pthread_kill(t, SIGURG);
    begun = 1;
    pthread_join(t, NULL);
    ck_assert_int_eq(handled, 1);
    ck_assert_int_eq(interrupted, 1);
}

START_TEST(test_a_lower_signal_ends_a_wait)
{
    check_both(SIGUSR1);
}
END_TEST

START_TEST(test_a_higher_signal_ends_a_wait)
{
    check_both(SIGRTMIN);
}
END_TEST

/* The same without masks: the two come one after the other, while the thread wakes up. */
static void *poll_for_ever(void *raw)
{
    struct pollfd p = {.fd = quiet[0], .events = POLLIN};
    char byte;
    while (!ended) {
        long r = raw ? RAW_CALL(SYS_poll, &p, 1, -1) : poll(&p, 1, -1) == -1 ? -errno : 1;
        if (r == -EINTR)
            interrupted++;
        else if (read(quiet[0], &byte, 1) == 1)
            begun++;
    }
    return NULL;
}

static int missed_of(int signals, void *raw)
{
    pthread_t t;
    int missed = 0;
    prepare();
    signal(SIGRTMIN, on_program);
    start();
    pthread_create(&t, NULL, poll_for_ever, raw);
    for (int i = 0; i < signals; i++) {
        int before = interrupted;
        usleep(1000);
        pthread_kill(t, SIGURG);
        pthread_kill(t, SIGRTMIN);
        for (int tries = 0; interrupted == before && tries < 100; tries++)
            usleep(500);
        missed += interrupted == before;
    }
    ended = 1;
    ck_assert_int_eq(write(quiet[1], "x", 1), 1);
    pthread_join(t, NULL);
    ck_assert_int_eq(handled, signals);
    return missed;
}

/* Not all: theirs may come in the moment when ours has looked for others and is not over. */
START_TEST(test_signals_of_the_program_end_waits)
{
    int wrapped = missed_of(200, NULL);
    printf("%d of 200 signals of the program's did not end a wait\n", wrapped);
    ck_assert_int_le(wrapped, 20);
}
END_TEST

START_TEST(test_signals_of_the_program_end_raw_waits)
{
    int raw = missed_of(200, quiet);
    printf("%d of 200 signals of the program's did not end a raw wait\n", raw);
    ck_assert_int_le(raw, 20);
}
END_TEST

/* ---- waits without an end: seen for what they are, and not ended by signals ------------------------------
 */

static int queues[2], semaphores, locked_fd;
static pthread_t sleeper;
static mtx_t mutex;
static cnd_t condition;

struct message {
    long type;
    char text[8192];
};

/* A descriptor of its own for the file, as locks are between those. */
static int reopen(void)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", locked_fd);
    return open(path, O_RDWR);
}

static NAMED void for_msgrcv(void)
{
    struct message m;
    disturbed += msgrcv(queues[0], &m, sizeof m.text, 0, 0) < 0;
}

static NAMED void for_msgsnd(void)
{
    struct message m = {.type = 1};
    disturbed += msgsnd(queues[1], &m, sizeof m.text, 0) < 0;
}

static NAMED void for_semop(void)
{
    disturbed += semop(semaphores, &(struct sembuf){.sem_op = -1}, 1) < 0;
}

static NAMED void for_flock(void)
{
    disturbed += flock(reopen(), LOCK_EX) < 0;
}

static NAMED void for_fcntl(void)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    disturbed += fcntl(reopen(), F_OFD_SETLKW, &lock) < 0;
}

static NAMED void for_mtx_lock(void)
{
    disturbed += mtx_lock(&mutex) != thrd_success;
    mtx_unlock(&mutex);
}

static NAMED void for_cnd_wait(void)
{
    static mtx_t other;
    mtx_init(&other, mtx_plain);
    mtx_lock(&other);
    disturbed += cnd_wait(&condition, &other) != thrd_success;
    mtx_unlock(&other);
}

static NAMED void for_thrd_join(void)
{
    int result = 0;
    disturbed += thrd_join(sleeper, &result) != thrd_success || result != 7;
}

static NAMED void for_read_chk(void)
{
    char byte;
    disturbed += __read_chk(quiet[0], &byte, 1, 1) < 0;
}

static NAMED void for_recv_chk(void)
{
    char byte;
    disturbed += __recv_chk(sockets[0], &byte, 1, 1, 0) < 0;
}

static const struct endless {
    void (*wait)(void);
    enum thread_state state;
} endless[] = {
    {for_msgrcv, THREAD_READ},
    {for_msgsnd, THREAD_WRITE},
    {for_semop, THREAD_SEMAPHORE},
    {for_flock, THREAD_FILE_LOCK},
    {for_fcntl, THREAD_FILE_LOCK},
    {for_mtx_lock, THREAD_MUTEX},
    {for_cnd_wait, THREAD_COND},
    {for_thrd_join, THREAD_JOIN},
    {for_read_chk, THREAD_READ},
    {for_recv_chk, THREAD_READ},
};
enum { ENDLESS = sizeof endless / sizeof *endless };
static pid_t endless_tids[ENDLESS];

static int wait_endless(void *which)
{
    endless_tids[(intptr_t)which] = (pid_t)syscall(SYS_gettid);
    begun++;
    endless[(intptr_t)which].wait();
    return 0;
}

static int sleep_until_read(void *arg)
{
    char byte;
    (void)arg;
    return read(sockets[0], &byte, 1) == 1 ? 7 : 0;
}

static void prepare_endless(void)
{
    struct message m = {.type = 1};
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    prepare();
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
    for (int i = 0; i < 2; i++)
        ck_assert_int_ge(queues[i] = msgget(IPC_PRIVATE, 0600), 0);
    ck_assert_int_ge(semaphores = semget(IPC_PRIVATE, 1, 0600), 0);
    while (msgsnd(queues[1], &m, sizeof m.text, IPC_NOWAIT) == 0)
        ;
    ck_assert_int_ge(locked_fd = memfd_create("locked", 0), 0);
    ck_assert_int_eq(flock(locked_fd, LOCK_EX), 0);
    ck_assert_int_eq(fcntl(locked_fd, F_OFD_SETLK, &lock), 0);
    mtx_init(&mutex, mtx_plain);
    cnd_init(&condition);
    mtx_lock(&mutex);
}

static void end_endless(void)
{
    struct message m = {.type = 1};
    struct flock lock = {.l_type = F_UNLCK, .l_whence = SEEK_SET};
    ck_assert_int_eq(msgsnd(queues[0], &m, 1, 0), 0);
    ck_assert_int_ge(msgrcv(queues[1], &m, sizeof m.text, 0, 0), 0);
    ck_assert_int_eq(semop(semaphores, &(struct sembuf){.sem_op = 1}, 1), 0);
    ck_assert_int_eq(flock(locked_fd, LOCK_UN), 0);
    ck_assert_int_eq(fcntl(locked_fd, F_OFD_SETLK, &lock), 0);
    mtx_unlock(&mutex);
    cnd_broadcast(&condition);
    ck_assert_int_eq(write(quiet[1], "x", 1), 1);
    ck_assert_int_eq(write(sockets[1], "xx", 2), 2);
}

static bool all_endless_are_there(void)
{
    struct threads_snapshot s;
    bool all = true;
    ck_assert_int_eq(threads_snapshot(&s), 0);
    for (int i = 0; i < ENDLESS; i++) {
        const struct thread_info *t = threads_find(&s, endless_tids[i]);
        all &= t && t->state == endless[i].state &&
               has_frame(&s.stacks, t->record, (uintptr_t)endless[i].wait) &&
               has_frame(&s.stacks, t->record, (uintptr_t)wait_endless);
    }
    threads_snapshot_fini(&s);
    return all;
}

START_TEST(test_endless_waits)
{
    thrd_t threads[ENDLESS];
    prepare_endless();
    start();
    ck_assert_int_eq(thrd_create(&sleeper, sleep_until_read, NULL), thrd_success);
    for (intptr_t i = 0; i < ENDLESS; i++)
        ck_assert_int_eq(thrd_create(&threads[i], wait_endless, (void *)i), thrd_success);
    while (begun < ENDLESS)
        usleep(1000);
    for (int tries = 0; tries < 500 && !all_endless_are_there(); tries++)
        usleep(10000);
    bool there = all_endless_are_there();
    for (int round = 0; round < 50; round++)
        for (int i = 0; i < ENDLESS; i++)
            syscall(SYS_tgkill, getpid(), endless_tids[i], SIGURG);
    usleep(20000);
    bool still_there = all_endless_are_there();
    end_endless();
    for (int i = 0; i < ENDLESS; i++)
        ck_assert_int_eq(thrd_join(threads[i], NULL), thrd_success);
    for (int i = 0; i < 2; i++)
        msgctl(queues[i], IPC_RMID, NULL);
    semctl(semaphores, 0, IPC_RMID);
    ck_assert(there && still_there);
    ck_assert_int_eq(disturbed, 0);
}
END_TEST

/* ---- in a sandbox ---------------------------------------------------------------------------------------
 */

/* As containers do it. */
static void refuse_reading_processes(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_process_vm_readv, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_process_vm_writev, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof code / sizeof *code, code};
    ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    ck_assert_int_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0), 0);
}

static NAMED bool by_deep_poll(int ms)
{
    char between[8192];
    memset(between, 1, sizeof between);
    bool ok = by_poll(ms);
    __asm__ volatile("" ::"r"(between) : "memory");
    return ok;
}

static const struct kind deep = {by_deep_poll, "deep poll", THREAD_POLL, true};

START_TEST(test_stacks_where_reading_processes_is_refused)
{
    struct waiter w = {.kind = &deep};
    struct threads_snapshot s;
    bool found = false;
    prepare();
    refuse_reading_processes();
    start();
    ck_assert_int_eq(pthread_create(&w.thread, NULL, wait_once, &w), 0);
    for (int tries = 0; tries < 500 && !found; tries++) {
        usleep(1000);
        ck_assert_int_eq(threads_snapshot(&s), 0);
        const struct thread_info *t = threads_find(&s, w.tid);
        found = t && t->state == THREAD_POLL && has_frame(&s.stacks, t->record, (uintptr_t)wait_once) &&
                !s.stacks.records.items[t->record].truncated;
        threads_snapshot_fini(&s);
    }
    pthread_join(w.thread, NULL);
    ck_assert(found);
}
END_TEST

Suite *suite(void)
{
    const TTest *const tests[] = {test_waits_older_than_capture, test_signals_in_waits,
        test_signals_in_waits_while_capture_is_off, test_a_lower_signal_ends_a_wait,
        test_a_higher_signal_ends_a_wait, test_signals_of_the_program_end_waits,
        test_signals_of_the_program_end_raw_waits, test_endless_waits,
        test_stacks_where_reading_processes_is_refused};
    return HARNESS_SUITE("waits", 20, tests);
}
