#include "ui/largepages.h"

#include "base/vec.h"
#include "harness.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Whether the mapping with the address was offered to the kernel for large pages, as its smaps say. */
static bool is_offered(const void *address)
{
    char line[512];
    uint64_t start, limit;
    bool inside = false, offered = false;
    FILE *smaps = fopen("/proc/self/smaps", "r");
    ck_assert_ptr_nonnull(smaps);
    while (fgets(line, sizeof line, smaps)) {
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " ", &start, &limit) == 2)
            inside = (uintptr_t)address >= start && (uintptr_t)address < limit;
        else if (inside && strncmp(line, "VmFlags:", 8) == 0)
            offered = strstr(line, " hg") != NULL;
    }
    fclose(smaps);
    return offered;
}

/* In the middle, since the first and the last page of a block may not be whole. */
START_TEST(the_heap_and_large_vectors_are_offered)
{
    VEC(char) before = {0}, after = {0};
    ck_assert(vec_reserve(&before, 8 << 20));
    ck_assert(!is_offered(before.items + (4 << 20)));
    largepages_use();
    ck_assert(vec_reserve(&after, 64 << 20)); /* more than the heap has */
    if (access("/sys/kernel/mm/transparent_hugepage", F_OK) == 0) {
        ck_assert(is_offered(after.items + (32 << 20)));
        ck_assert(is_offered((char *)sbrk(0) - (8 << 20)));
    }
    vec_fini(&before);
    vec_fini(&after);
}
END_TEST

/* A block that is copied is touched, page by page, small or large. */
START_TEST(a_large_vector_grows_without_being_copied)
{
    enum { BYTES = 64 << 20, LARGE_PAGES = BYTES >> 21 };
    VEC(char) v = {0};
    struct rusage before, after;
    largepages_use();
    ck_assert(vec_reserve(&v, BYTES));
    memset(v.items, 'x', BYTES);
    v.len = BYTES;
    ck_assert_int_eq(getrusage(RUSAGE_SELF, &before), 0);
    ck_assert(vec_reserve(&v, 1));
    ck_assert_int_eq(getrusage(RUSAGE_SELF, &after), 0);
    ck_assert_uint_ge(v.cap, 2 * (size_t)BYTES);
    ck_assert_int_lt(after.ru_minflt - before.ru_minflt, LARGE_PAGES / 2);
    ck_assert_int_eq(v.items[BYTES - 1], 'x');
    vec_fini(&v);
}
END_TEST

/* So that what is freed between two reports is not touched for the first time again. */
START_TEST(the_heap_is_not_given_back)
{
    enum { BLOCKS = 200, BYTES = 64 << 10 };
    void *blocks[BLOCKS];
    largepages_use();
    for (int i = 0; i < BLOCKS; i++)
        ck_assert_ptr_nonnull(blocks[i] = malloc(BYTES));
    const void *end = sbrk(0);
    for (int i = 0; i < BLOCKS; i++)
        free(blocks[i]);
    ck_assert_ptr_eq(sbrk(0), end);
}
END_TEST

Suite *suite(void)
{
    const TTest *const tests[] = {the_heap_and_large_vectors_are_offered,
        a_large_vector_grows_without_being_copied, the_heap_is_not_given_back};
    return HARNESS_SUITE("largepages", 20, tests);
}
