#include "harness.h"

#include "capture/snapshot.h"

static void add(struct snapshot *s, uintptr_t leaf, int64_t a, int64_t b, int64_t block_bytes)
{
    uintptr_t pcs[3] = {leaf, 0x2000, 0x3000};
    struct snapshot_record r = {.depth = 3, .values = {a, b}, .block_bytes = block_bytes};
    ck_assert_int_eq(snapshot_add(s, &r, pcs), 0);
}

START_TEST(test_add_keeps_stacks)
{
    struct snapshot s = {.nvalues = 2};
    for (uintptr_t i = 0; i < 1000; i++)
        add(&s, i, (int64_t)i, 1, 0);
    struct snapshot_record empty = {.depth = 0, .values = {7}};
    ck_assert_int_eq(snapshot_add(&s, &empty, NULL), 0);
    ck_assert_uint_eq(s.records.len, 1001);
    ck_assert_uint_eq(s.pcs.len, 3000);
    for (uintptr_t i = 0; i < 1000; i++) {
        const struct snapshot_record *r = &s.records.items[i];
        ck_assert_uint_eq(s.pcs.items[r->first_pc], i);
        ck_assert_uint_eq(s.pcs.items[r->first_pc + 2], 0x3000);
        ck_assert_int_eq(r->values[0], (int64_t)i);
    }
    snapshot_fini(&s);
}
END_TEST

START_TEST(test_subtract)
{
    struct snapshot earlier = {.nvalues = 2, .time_ns = 1000, .lost = 3};
    struct snapshot later = {.nvalues = 2, .time_ns = 5000, .lost = 10, .period = 512};
    add(&earlier, 0x10, 5, 50, 0);
    add(&earlier, 0x20, 7, 70, 0);
    add(&earlier, 0x30, 9, 90, 16);
    add(&earlier, 0x50, 9, 90, 0);
    add(&later, 0x10, 8, 90, 0);  /* grew */
    add(&later, 0x20, 7, 70, 0);  /* the same: left out */
    add(&later, 0x30, 9, 95, 32); /* another block size is another record */
    add(&later, 0x40, 1, 10, 0);  /* new, and there twice */
    add(&later, 0x40, 2, 20, 0);
    add(&later, 0x50, 4, 95, 0); /* one figure fell, which it cannot */
    struct snapshot d;
    ck_assert_int_eq(snapshot_subtract(&later, &earlier, &d), 0);
    ck_assert_uint_eq(d.records.len, 4);
    const int64_t expected[4][3] = {{0x10, 3, 40}, {0x30, 9, 95}, {0x40, 3, 30}, {0x50, 0, 5}};
    for (int i = 0; i < 4; i++) {
        const struct snapshot_record *r = &d.records.items[i];
        ck_assert_int_eq((int64_t)d.pcs.items[r->first_pc], expected[i][0]);
        ck_assert_int_eq(r->values[0], expected[i][1]);
        ck_assert_int_eq(r->values[1], expected[i][2]);
    }
    ck_assert_int_eq(d.records.items[1].block_bytes, 32);
    ck_assert_int_eq(d.duration_ns, 0); /* the caller's to say */
    ck_assert_int_eq(d.period, 512);
    ck_assert_uint_eq(d.lost, 7);
    snapshot_fini(&d);
    snapshot_fini(&earlier);
    snapshot_fini(&later);
}
END_TEST

/* A stack that a table had once before and twice now must not lose what it had. */
START_TEST(test_subtract_adds_duplicates_first)
{
    struct snapshot earlier = {.nvalues = 2}, later = {.nvalues = 2}, d;
    add(&earlier, 0x10, 10, 100, 0);
    add(&later, 0x10, 6, 60, 0);
    add(&later, 0x10, 9, 90, 0);
    ck_assert_int_eq(snapshot_subtract(&later, &earlier, &d), 0);
    ck_assert_uint_eq(d.records.len, 1);
    ck_assert_int_eq(d.records.items[0].values[0], 5);
    ck_assert_int_eq(d.records.items[0].values[1], 50);
    snapshot_fini(&d);
    snapshot_fini(&earlier);
    snapshot_fini(&later);
}
END_TEST

START_TEST(test_subtract_tells_labels_apart)
{
    static const struct label_set labels[2];
    struct snapshot earlier = {.nvalues = 2}, later = {.nvalues = 2, .lost_labels = 4}, d;
    for (int i = 0; i < 3; i++) {
        add(&earlier, 0x10, 10, 100, 0);
        add(&later, 0x10, 10 + i, 100, 0);
        later.records.items[i].labels = earlier.records.items[i].labels = i ? &labels[i - 1] : NULL;
    }
    ck_assert_int_eq(snapshot_subtract(&later, &earlier, &d), 0);
    ck_assert_uint_eq(d.records.len, 2);
    for (int i = 0; i < 2; i++) {
        ck_assert_ptr_eq(d.records.items[i].labels, &labels[i]);
        ck_assert_int_eq(d.records.items[i].values[0], i + 1);
    }
    ck_assert_uint_eq(d.lost_labels, 4);
    snapshot_fini(&d);
    snapshot_fini(&earlier);
    snapshot_fini(&later);
}
END_TEST

Suite *suite(void)
{
    const TTest *const tests[] = {test_add_keeps_stacks, test_subtract, test_subtract_adds_duplicates_first,
        test_subtract_tells_labels_apart};
    return HARNESS_SUITE("snapshot", 10, tests);
}
