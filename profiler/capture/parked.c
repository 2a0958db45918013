#include "capture/parked.h"

#include "capture/peek.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static uint32_t sequence_of(const struct thread *t)
{
    return atomic_load_explicit(&t->parked.sequence, memory_order_acquire);
}

bool parked_is_still(const struct parked_look *look)
{
    atomic_thread_fence(memory_order_acquire);
    return sequence_of(look->t) == look->sequence && atomic_load(&look->t->tid) == look->tid;
}

bool parked_look(struct parked_look *look)
{
    const struct parked *p = &look->t->parked;
    look->sequence = sequence_of(look->t);
    if (!(look->sequence & 1))
        return false;
    look->reason = p->reason;
    look->regs = p->regs;
    look->scope = p->scope;
    look->object = p->object;
    look->since_ticks = p->since_ticks;
    look->labels = atomic_load_explicit(&look->t->labels, memory_order_relaxed);
    return parked_is_still(look);
}

/* Written, not read: the kernel pins what it takes for another process's memory page by page, and copies the
 * caller's own. So the many places are the caller's own, and the one that they go to is pinned. */
void parked_copy(char *to, struct iovec *from, size_t n)
{
    pid_t self = getpid();
    for (size_t first = 0; first < n;) {
        struct iovec all = {to, 0};
        for (size_t i = first; i < n; i++)
            all.iov_len += from[i].iov_len;
        ssize_t got = process_vm_writev(self, from + first, n - first, &all, 1, 0);
        if (got < 0 && peek_is_refused(errno)) {
            peek_by_pipe_sigsafe(to, from + first, n - first);
            return;
        }
        for (; first < n && got >= (ssize_t)from[first].iov_len; first++) {
            got -= (ssize_t)from[first].iov_len;
            to += from[first].iov_len;
        }
        if (first < n) { /* the one it stopped at */
            to += from[first].iov_len;
            from[first++].iov_len = 0;
        }
    }
}

/* The first byte of the stack we want: the wrapper's scope lies below its caller's frame. */
static uintptr_t slice_start(const struct parked_look *look)
{
    uintptr_t scope = look->scope, rsp = look->regs.rsp;
    return scope < rsp && rsp - scope < PARKED_SLICE_BYTES / 2 ? scope : rsp;
}

static size_t slice_length(const struct parked_look *look)
{
    uintptr_t from = slice_start(look), hi = look->t->stack_hi;
    return hi > from && hi - from < PARKED_SLICE_BYTES ? hi - from : PARKED_SLICE_BYTES;
}

static bool frame_is_there(const struct parked_look *look, const char *slice, size_t bytes)
{
    uintptr_t at = look->scope - slice_start(look), cookie;
    if (at > bytes || bytes - at < sizeof cookie)
        return false;
    memcpy(&cookie, slice + at, sizeof cookie);
    return cookie == park_cookie(look->t, look->sequence);
}

/* False when it has moved, or was stranded by a longjmp. */
static bool unwind_slice(
    const struct parked_look *look, const char *slice, size_t bytes, struct unwind_stack *stack)
{
    uintptr_t from = slice_start(look);
    struct unwind_memory memory = {from, from + bytes, slice};
    if (bytes && !frame_is_there(look, slice, bytes))
        return false;
    unwind_saved_sigsafe(&look->regs, &memory, stack);
    return parked_is_still(look);
}

size_t parked_unwind(const struct parked_look *const looks[], size_t n, struct parked_slices *slices,
    void (*found)(void *arg, size_t i, const struct unwind_stack *stack), void *arg)
{
    struct iovec from[PARKED_BATCH];
    const char *slice[PARKED_BATCH];
    struct unwind_stack stack;
    size_t moved = 0;
    char *end = slices->bytes;
    for (size_t i = 0; i < n; i++) {
        from[i] = (struct iovec){(void *)slice_start(looks[i]), slice_length(looks[i])};
        slice[i] = end;
        end += from[i].iov_len;
    }
    parked_copy(slices->bytes, from, n);
    for (size_t i = 0; i < n; i++) {
        if (unwind_slice(looks[i], slice[i], from[i].iov_len, &stack))
            found(arg, i, &stack);
        else
            moved++;
    }
    return moved;
}
