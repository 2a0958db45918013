#include "capture/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

static _Atomic uint64_t in_use; /* bit n-1: signal n */
static signals_handler *_Atomic handlers[64];
__thread struct signals_wait signals_wait;

void signals_set_in_use(int number, signals_handler *handler)
{
    atomic_store(&handlers[number - 1], handler);
    atomic_fetch_or(&in_use, UINT64_C(1) << (number - 1));
}

bool signals_is_ours(int number)
{
    struct sigaction now;
    return sigaction(number, NULL, &now) == 0 && now.sa_flags & SA_SIGINFO &&
           now.sa_sigaction == atomic_load(&handlers[number - 1]);
}

void signals_own(sigset_t *out)
{
    int saved = errno;
    sigemptyset(out);
    for (uint64_t ours = atomic_load(&in_use); ours; ours &= ours - 1)
        if (signals_is_ours(__builtin_ctzll(ours) + 1))
            sigaddset(out, __builtin_ctzll(ours) + 1);
    errno = saved;
}

void signals_keep_open(sigset_t *set)
{
    int saved = errno;
    for (uint64_t ours = atomic_load_explicit(&in_use, memory_order_relaxed); ours; ours &= ours - 1) {
        int number = __builtin_ctzll(ours) + 1;
        if (sigismember(set, number) == 1 && signals_is_ours(number))
            sigdelset(set, number);
    }
    errno = saved;
}

/* By system calls: this runs where the wrappers of ours around libc's cannot be asked yet. */
static bool change_mask(int how, const uint64_t *set, uint64_t *old)
{
    return syscall(SYS_rt_sigprocmask, how, set, old, sizeof *set) == 0;
}

void signals_open_self(void)
{
    int saved = errno;
    uint64_t ours = 0, blocked;
    if (change_mask(SIG_BLOCK, NULL, &blocked))
        for (uint64_t shut = blocked & atomic_load(&in_use); shut; shut &= shut - 1)
            if (signals_is_ours(__builtin_ctzll(shut) + 1))
                ours |= shut & -shut;
    if (ours)
        change_mask(SIG_UNBLOCK, &ours, NULL);
    errno = saved;
}

bool signals_blocks(pid_t tid, int number)
{
    char path[64], text[4096];
    snprintf(path, sizeof path, "/proc/self/task/%d/status", (int)tid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = 0;
    const char *mask = strstr(text, "SigBlk:");
    return mask && strtoull(mask + strlen("SigBlk:"), NULL, 16) >> (number - 1) & 1;
}

int64_t signals_room(void)
{
    char text[4096], *end;
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = 0;
    const char *queue = strstr(text, "SigQ:"); /* used/limit */
    if (!queue)
        return INT_MAX;
    unsigned long long used = strtoull(queue + strlen("SigQ:"), &end, 10);
    unsigned long long limit = *end == '/' ? strtoull(end + 1, NULL, 10) : INT_MAX;
    return limit > used ? (int64_t)((limit - used) / 2) : 0;
}

#if defined(__x86_64__)

static bool is_syscall_at(uintptr_t at)
{
    static const unsigned char instruction[2] = {0x0f, 0x05};
    return unwind_is_code_sigsafe(at) && unwind_is_code_sigsafe(at + 1) &&
           memcmp((const void *)at, instruction, sizeof instruction) == 0;
}

static bool was_cut_short(const greg_t *g)
{
    return g[REG_RAX] == -EINTR && is_syscall_at((uintptr_t)g[REG_RIP] - 2);
}

/* Whether a signal that leads to a handler of the program's will be delivered as soon as ours returns. */
static bool is_another_due(const ucontext_t *context)
{
    uint64_t due = 0, blocked;
    memcpy(&blocked, &context->uc_sigmask, sizeof blocked);
    if (syscall(SYS_rt_sigpending, &due, sizeof due) != 0)
        return false;
    for (due &= ~blocked & ~atomic_load(&in_use); due; due &= due - 1) {
        struct sigaction now;
        if (sigaction(__builtin_ctzll(due) + 1, NULL, &now) == 0 && now.sa_handler != SIG_DFL &&
            now.sa_handler != SIG_IGN)
            return true;
    }
    return false;
}

/* Those that fail with EINTR, all handlers notwithstanding, before they have done anything. */
static bool may_be_repeated(uint32_t call)
{
    static const uint16_t calls[] = {SYS_poll, SYS_ppoll, SYS_select, SYS_pselect6, SYS_epoll_wait,
        SYS_epoll_pwait, SYS_epoll_pwait2, SYS_nanosleep, SYS_clock_nanosleep, SYS_pause, SYS_rt_sigsuspend,
        SYS_rt_sigtimedwait, SYS_futex, SYS_msgrcv, SYS_msgsnd, SYS_semop, SYS_semtimedop, SYS_io_getevents,
        SYS_io_pgetevents, SYS_io_uring_enter, SYS_mq_timedsend, SYS_mq_timedreceive, SYS_read, SYS_readv,
        SYS_recvfrom, SYS_recvmsg, SYS_write, SYS_writev, SYS_sendto, SYS_sendmsg, SYS_accept, SYS_accept4,
        SYS_connect};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (calls[i] == call)
            return true;
    return false;
}

/* The number of the call at that instruction; the kernel does not say. Compilers and libc load it just
 * before, or a register from the stack in between (8b 44 24 08: mov 8(%rsp),%eax, or another register). */
static bool find_call(uintptr_t at, uint32_t *number)
{
    enum { LOAD_BYTES = 5, BACK_BYTES = LOAD_BYTES + 8 };
    if (!unwind_is_code_sigsafe(at - BACK_BYTES))
        return false;
    const unsigned char *p = (const unsigned char *)at;
    if (p[-4] == 0x8b && (p[-3] & 0xc7) == 0x44 && p[-3] != 0x44 && p[-2] == 0x24)
        p -= (p[-5] & 0xf8) == 0x48 ? 5 : 4;
    memcpy(number, p - 4, sizeof *number);
    return p[-LOAD_BYTES] == 0xb8;
}

void signals_resume_sigsafe(void *context)
{
    ucontext_t *interrupted = context;
    greg_t *g = interrupted->uc_mcontext.gregs;
    uint32_t number;
    if (!was_cut_short(g) || is_another_due(interrupted))
        return;
    if (signals_wait.innermost) {
        signals_wait.cut_short = true;
    } else if (find_call((uintptr_t)g[REG_RIP] - 2, &number) && may_be_repeated(number)) {
        g[REG_RAX] = number;
        g[REG_RIP] -= 2;
    }
}

bool signals_in_syscall_sigsafe(const void *context)
{
    const greg_t *g = ((const ucontext_t *)context)->uc_mcontext.gregs;
    uintptr_t rip = (uintptr_t)g[REG_RIP];
    return is_syscall_at(rip) || was_cut_short(g);
}

#else

void signals_resume_sigsafe(void *context)
{
    (void)context;
}

bool signals_in_syscall_sigsafe(const void *context)
{
    (void)context;
    return false;
}

#endif
