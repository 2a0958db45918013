#include "capture/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

static _Atomic uint64_t in_use; /* bit n-1: signal n */
static signals_handler *_Atomic handlers[64];

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

void signals_note_sigsafe(struct thread *t, const void *context)
{
    const greg_t *g = ((const ucontext_t *)context)->uc_mcontext.gregs;
    if (g[REG_RAX] == -EINTR && is_syscall_at((uintptr_t)g[REG_RIP] - 2))
        t->cut_short = true;
}

bool signals_in_syscall_sigsafe(const void *context)
{
    const greg_t *g = ((const ucontext_t *)context)->uc_mcontext.gregs;
    uintptr_t rip = (uintptr_t)g[REG_RIP];
    return is_syscall_at(rip) || (is_syscall_at(rip - 2) && g[REG_RAX] == -EINTR);
}

#else

void signals_note_sigsafe(struct thread *t, const void *context)
{
    (void)t;
    (void)context;
}

bool signals_in_syscall_sigsafe(const void *context)
{
    (void)context;
    return false;
}

#endif
