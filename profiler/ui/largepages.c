#include "ui/largepages.h"

#include "base/vec.h"

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    HEAP_BYTES = 32 << 20,  /* what does not fit into it: */
    ALONE_BYTES = 4 << 20,  /* has a mapping of its own, which can grow without being copied, or else */
    PAD_BYTES = 4 << 20,    /* makes the heap grow by this */
    FIRST_BYTES = 256 << 10 /* more than is left of the heap that the loader has used */
};

/* All small pages of it: a mapping of which only the middle were offered would be three to the kernel, and
 * three it does not let grow (mremap fails with EFAULT), so that every block were copied. */
static void offer(void *block, size_t bytes)
{
    uintptr_t small = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t start = (uintptr_t)block & -small, end = ((uintptr_t)block + bytes + small - 1) & -small;
    madvise((void *)start, end - start, MADV_HUGEPAGE);
}

static void offer_large(void *block, size_t bytes)
{
    if (bytes >= ALONE_BYTES)
        offer(block, bytes);
}

void largepages_use(void)
{
    mallopt(M_MMAP_THRESHOLD, ALONE_BYTES);
    mallopt(M_TRIM_THRESHOLD, INT32_MAX);
    mallopt(M_TOP_PAD, HEAP_BYTES);
    char *first = malloc(FIRST_BYTES), *end = sbrk(0);
    mallopt(M_TOP_PAD, PAD_BYTES);
    if (first && end > first && end - first > HEAP_BYTES)
        offer(first, (size_t)(end - first));
    free(first);
    vec_grew = offer_large;
}
