#include "capture/asleep.h"

#include "capture/cpu_timer.h"
#include "capture/interpose.h"
#include "capture/parked.h"

#include <fcntl.h>
#include <inttypes.h>
#include <linux/futex.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What a sleeping thread has asked the kernel for. */
struct call {
    long number;
    uint64_t args[6];
    uintptr_t sp, pc;
};

enum { TRIES = 3 };

/* ---- what the kernel says -------------------------------------------------------------------------------
 */

/* How many bytes of /proc/self/task/TID/NAME are in text, which becomes a string; -1 when there are none. */
static ssize_t read_task_file(pid_t tid, const char *name, char *text, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%d/%s", (int)tid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = 0;
    return n > 0 ? n : -1;
}

enum known { KNOWN_NOTHING, KNOWN_RUNNING, KNOWN_CALL };

static enum known read_call(pid_t tid, struct call *c)
{
    char text[256];
    if (read_task_file(tid, "syscall", text, sizeof text) < 0)
        return KNOWN_NOTHING;
    int n = sscanf(text,
        "%ld %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNxPTR " %" SCNxPTR,
        &c->number, &c->args[0], &c->args[1], &c->args[2], &c->args[3], &c->args[4], &c->args[5], &c->sp,
        &c->pc);
    return n == 9 && c->number >= 0 ? KNOWN_CALL : KNOWN_RUNNING; /* or it waits for a page */
}

/* Where a sandbox, or a program that has changed its user, is not told about calls. */
static bool seems_to_sleep(pid_t tid)
{
    char text[512];
    if (read_task_file(tid, "stat", text, sizeof text) < 0)
        return false;
    const char *name_end = strrchr(text, ')');
    return name_end && strncmp(name_end, ") R", 3) != 0;
}

/* ---- what a signal does to a call -----------------------------------------------------------------------
 */

static bool has_timeout(int fd, int option)
{
    struct timeval limit = {0};
    socklen_t len = sizeof limit;
    return getsockopt(fd, SOL_SOCKET, option, &limit, &len) != 0 || limit.tv_sec || limit.tv_usec;
}

static bool is_pipe(int fd)
{
    struct stat s;
    return fstat(fd, &s) == 0 && S_ISFIFO(s.st_mode);
}

/* Whether the kernel makes it again after a handler with SA_RESTART. What is not known for sure is not. */
static bool is_restarted(const struct call *c)
{
    int fd = (int)c->args[0], futex = (int)c->args[1] & FUTEX_CMD_MASK;
    switch (c->number) {
    case SYS_futex:
        return futex == FUTEX_LOCK_PI || ((futex == FUTEX_WAIT || futex == FUTEX_WAIT_BITSET) && !c->args[3]);
    case SYS_wait4:
    case SYS_waitid:
    case SYS_flock:
    case SYS_fcntl:
        return true;
    case SYS_read:
    case SYS_readv:
        return is_pipe(fd) || !has_timeout(fd, SO_RCVTIMEO);
    case SYS_recvfrom:
    case SYS_recvmsg:
    case SYS_accept:
    case SYS_accept4:
        return !has_timeout(fd, SO_RCVTIMEO);
    case SYS_write:
    case SYS_writev:
        return is_pipe(fd) || !has_timeout(fd, SO_SNDTIMEO);
    case SYS_sendto:
    case SYS_sendmsg:
    case SYS_connect:
        return !has_timeout(fd, SO_SNDTIMEO);
    default:
        return false;
    }
}

/* ---- its stack ------------------------------------------------------------------------------------------
 */

/* A note may have been left behind by a jump: it counts when its wrapper is among the first functions. */
static bool is_of_wrapper(uintptr_t pc, const struct unwind_stack *stack)
{
    enum { FRAMES = 6, NEAR = 65536 };
    for (int i = 0; i < stack->depth && i < FRAMES; i++)
        if (stack->pcs[i] - pc + NEAR < 2 * (uintptr_t)NEAR)
            return true;
    return false;
}

/* The innermost note in the part of the stack at memory, as a record would be seen. */
static bool find_note(const struct unwind_memory *memory, struct parked_look *out)
{
    enum { REACH = 1024 };
    const uintptr_t before = offsetof(struct park, cookie);
    struct park note;
    for (uintptr_t at = memory->lo; at < memory->lo + REACH && at + sizeof note <= memory->hi; at += 8) {
        memcpy(&note, memory->copy + (at - memory->lo), sizeof note);
        if (note.cookie != park_note_cookie(at + before) || note.t)
            continue;
        out->regs = note.left.regs;
        out->reason = note.left.reason;
        out->since_ticks = note.left.since_ticks;
        out->object = note.left.object;
        return true;
    }
    return false;
}

static void read_stack(struct thread *t, pid_t tid, const struct call *c, struct asleep *out)
{
    char copy[PARKED_SLICE_BYTES];
    struct iovec from = {(void *)c->sp, sizeof copy};
    size_t to_page_end = 4096 - c->sp % 4096; /* near the end of the stack the next page may be none of it */
    parked_copy(copy, &from, 1);
    if (!from.iov_len && to_page_end < sizeof copy) {
        from.iov_len = to_page_end;
        parked_copy(copy, &from, 1);
    }
    struct unwind_memory memory = {c->sp, c->sp + from.iov_len, copy};
    struct unwind_regs here = {.rip = c->pc, .rsp = c->sp};
    struct parked_look left = {.t = t, .tid = tid};
    *out = (struct asleep){.state = THREAD_SYSCALL};
    unwind_saved_sigsafe(&here, &memory, &out->stack);
    /* It may have parked since it was looked at. */
    if (!parked_look(&left) && !find_note(&memory, &left))
        return;
    if (left.reason >= THREAD_UNKNOWN || !is_of_wrapper(left.regs.rip, &out->stack))
        return;
    unwind_saved_sigsafe(&left.regs, &memory, &out->stack);
    out->state = (enum thread_state)left.reason;
    out->since_ticks = left.since_ticks;
    out->object = left.object;
}

bool asleep_look(struct thread *t, pid_t tid, struct asleep *out)
{
    struct call c;
    for (int i = 0; i < TRIES; i++) {
        int64_t cpu_ns = cpu_timer_clock_ns(tid);
        enum known known = read_call(tid, &c);
        if (known == KNOWN_NOTHING && seems_to_sleep(tid)) {
            *out = (struct asleep){.state = THREAD_UNKNOWN, .stack = {.truncated = true}};
            return true;
        }
        if (known != KNOWN_CALL || is_restarted(&c))
            return false;
        read_stack(t, tid, &c, out);
        if (cpu_timer_clock_ns(tid) == cpu_ns)
            return true; /* it has not run meanwhile */
    }
    return false;
}
