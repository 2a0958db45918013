#ifndef CAPTURE_REGION_H
#define CAPTURE_REGION_H

#include <stdbool.h>
#include <stddef.h>
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
