#ifndef CAPTURE_REGION_H
#define CAPTURE_REGION_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

/*
 * Memory from the kernel, zeroed, touched only where used: the profiler's tables must not show up in the
 * heap profile of the program, nor be allocated by the allocator whose locks they watch. Signal-safe.
 */
static inline void *region_map(size_t bytes) /* NULL when there is none */
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

/* There from now on, where the kernel can do that (Linux 5.14): no page fault at the first use. */
static inline void region_touch(void *p, size_t bytes)
{
#ifdef MADV_POPULATE_WRITE
    enum { PAGE = 4096 };
    uintptr_t from = (uintptr_t)p & ~(uintptr_t)(PAGE - 1);
    int saved = errno;
    madvise((void *)from, (uintptr_t)p + bytes - from, MADV_POPULATE_WRITE);
    errno = saved;
#else
    (void)p, (void)bytes;
#endif
}

static inline void region_unmap(void *p, size_t bytes)
{
    if (p)
        munmap(p, bytes);
}

/* jemalloc dies in a new thread that it can give no arena. Where that may happen there shall be none of ours.
 */
static inline bool region_has_room_for_a_thread(void)
{
    enum { ROOM_BYTES = 16 << 20 };
    void *room = mmap(NULL, ROOM_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return room != MAP_FAILED && munmap(room, ROOM_BYTES) == 0;
}

#endif
