#include "base/asker.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/decimal.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/intern.h"
#include "base/vec.h"
#include "harness.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

START_TEST(errors_have_text_and_keep_the_position)
{
    struct error e = {0};
    ck_assert_int_eq(error_set(&e, ERR_FORMAT, "byte %d: bad tag", 7), ERR_FORMAT);
    ck_assert_int_eq(error_prefix(&e, "%s", "cpu.pb.gz"), ERR_FORMAT);
    ck_assert_str_eq(e.text, "cpu.pb.gz: byte 7: bad tag");
    ck_assert_int_eq(error_set(NULL, ERR_IO, "nobody listens"), ERR_IO);
#define X(name, text_)               \
    ck_assert_int_lt(ERR_##name, 0); \
    ck_assert_str_eq(error_text(ERR_##name), text_);
    ERROR_LIST(X)
#undef X
    ck_assert_str_eq(error_text(-9999), "unknown error");
}
END_TEST

START_TEST(an_error_longer_than_its_storage_is_cut)
{
    struct error e = {0};
    char text[2 * sizeof e.text];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    error_set(&e, ERR_IO, "%s", text);
    error_prefix(&e, "%s", text);
    ck_assert_uint_eq(strlen(e.text), sizeof e.text - 1);
}
END_TEST

START_TEST(vectors_grow_and_keep_their_items)
{
    VEC(int) v = {0};
    for (int i = 0; i < 100000; i++)
        ck_assert(vec_push(&v, i));
    for (int i = 0; i < 100000; i++)
        ck_assert_int_eq(v.items[i], i);
    size_t cap = v.cap;
    ck_assert(!vec_reserve(&v, SIZE_MAX / sizeof(int)));
    ck_assert(!vec_reserve(&v, SIZE_MAX));
    ck_assert_uint_eq(v.cap, cap);
    ck_assert_int_eq(v.items[99999], 99999);
    vec_fini(&v);
    ck_assert_ptr_null(v.items);
}
END_TEST

START_TEST(buffers_take_bytes_and_text)
{
    struct buf b = {0};
    buf_puts(&b, "a");
    buf_putc(&b, '\0');
    buf_printf(&b, "%05d", 42);
    ck_assert_uint_eq(b.len, 7);
    ck_assert_mem_eq(b.data, "a\00000042", 8);
    for (int i = 0; i < 10000; i++)
        buf_printf(&b, "%d,", i);
    ck_assert_uint_eq(b.len, 7 + 10 * 2 + 90 * 3 + 900 * 4 + 9000 * 5);
    char *taken = buf_take(&b);
    ck_assert_ptr_nonnull(taken);
    ck_assert_uint_eq(b.len, 0);
    free(taken);
    taken = buf_take(&b);
    ck_assert_str_eq(taken, "");
    free(taken);
}
END_TEST

START_TEST(a_failed_buffer_gives_nothing)
{
    struct buf b = {.failed = true};
    buf_puts(&b, "lost");
    ck_assert_uint_eq(b.len, 0);
    ck_assert_ptr_null(buf_take(&b));
}
END_TEST

START_TEST(equal_strings_are_one_pointer)
{
    struct intern *pool = intern_new();
    const char *first[5000];
    char text[32];
    for (int i = 0; i < 5000; i++) {
        snprintf(text, sizeof text, "symbol_%d", i);
        first[i] = intern_string(pool, text);
    }
    for (int i = 0; i < 5000; i++) {
        snprintf(text, sizeof text, "symbol_%d", i);
        ck_assert_str_eq(first[i], text);
        ck_assert_ptr_eq(intern_string(pool, text), first[i]);
        ck_assert_ptr_eq(intern_bytes(pool, text, strlen(text)), first[i]);
    }
    ck_assert_ptr_eq(intern_string(pool, ""), intern_bytes(pool, "x", 0));
    ck_assert_ptr_ne(intern_bytes(pool, "a\0b", 3), intern_bytes(pool, "a\0c", 3));
    intern_unref(intern_ref(pool));
    ck_assert_str_eq(first[7], "symbol_7");
    intern_unref(pool);
    intern_unref(NULL);
}
END_TEST

START_TEST(a_string_larger_than_a_chunk_is_kept_whole)
{
    struct intern *pool = intern_new();
    size_t len = 300000;
    char *big = malloc(len + 1);
    memset(big, 'q', len);
    big[len] = '\0';
    const char *kept = intern_string(pool, big);
    ck_assert_uint_eq(strlen(kept), len);
    ck_assert_ptr_ne(kept, big);
    ck_assert_ptr_eq(intern_string(pool, big), kept);
    free(big);
    intern_unref(pool);
}
END_TEST

START_TEST(hashes_spread_neighbours)
{
    enum { BUCKETS = 256, KEYS = 256 * 64 };
    int count[BUCKETS] = {0};
    for (uint64_t i = 0; i < KEYS; i++)
        count[hash_mix(1, 0x400000 + i * 16) % BUCKETS]++;
    for (int i = 0; i < BUCKETS; i++) {
        ck_assert_int_gt(count[i], 16);
        ck_assert_int_lt(count[i], 192);
    }
    ck_assert_uint_ne(hash_bytes("ab", 2), hash_bytes("ba", 2));
}
END_TEST

static void expect_decimals(double x)
{
    char ours[DECIMAL_TEXT], printf_s[DECIMAL_TEXT];
    for (int decimals = 0; decimals <= 5; decimals++) {
        size_t len = decimal_format(ours, x, decimals);
        snprintf(printf_s, sizeof printf_s, "%.*f", decimals, x);
        ck_assert_str_eq(ours, printf_s);
        ck_assert_uint_eq(len, strlen(ours));
    }
    if (__builtin_signbit(x) || !(x < 1))
        return;
    decimal_format_short(ours, x);
    snprintf(printf_s, sizeof printf_s, "%.2g", x);
    ck_assert_str_eq(ours, printf_s);
}

START_TEST(decimals_are_those_of_printf)
{
    const double edges[] = {0, -0.0, 0.125, 0.375, -2.5, 0.005, 0.995, 0.9949, 0.0995, 0.09949, 0.00995,
        0.0001, 0.000099, 0.0000995, 5e-324, 0x1p-60, 0x1p52, 0x1p53, 0x1.fffffffffffffp52, 1e300, 1.0 / 0.0,
        0.5, 1.5};
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++)
        expect_decimals(edges[i]);
    for (int i = 0; i < 300; i++) /* ties and their neighbours */
        for (int away = -1; away <= 1; away++)
            expect_decimals(i / 64.0 + away * 0x1p-40);
    uint64_t draw = 1;
    for (int i = 0; i < 2000; i++) {
        draw = draw * UINT64_C(6364136223846793005) + 1;
        expect_decimals((double)(draw >> 11) * 0x1p-53 / (double)(1 + (draw >> 20) % 10000));
        expect_decimals((double)(int64_t)draw / (double)(1 + (draw >> 40)));
    }
}
END_TEST

START_TEST(an_error_is_one_line_that_no_name_can_break)
{
    struct error e;
    error_set(&e, ERR_IO, "%s: not there", "a\033]0;title\007\nb\x7f\r");
    ck_assert_str_eq(e.text, "a?]0;title??b??: not there");
    error_prefix(&e, "c\033d");
    ck_assert_str_eq(e.text, "c?d: a?]0;title??b??: not there");
}
END_TEST

/* What browsers send of a request: that of a page of another site, and of all others. */
START_TEST(pages_of_others_are_told_from_all_else)
{
    static const struct {
        struct asker asker;
        bool foreign;
    } cases[] = {
        {{.host = "localhost:6060"}, false}, /* no browser */
        {{.host = "localhost:6060", .fetch_site = "none", .fetch_dest = "document"}, false},
        {{.host = "localhost:6060", .fetch_site = "same-origin", .fetch_dest = "empty"}, false},
        {{.host = "proxied", .origin = "https://outside", .fetch_site = "same-origin"}, false},
        {{.host = "localhost:6060", .fetch_site = "cross-site", .fetch_dest = "document"},
            false}, /* a link */
        {{.host = "localhost:6060", .fetch_site = "cross-site", .fetch_dest = "image"}, true},
        {{.host = "localhost:6060", .fetch_site = "cross-site", .fetch_dest = "iframe"}, true},
        {{.host = "localhost:6060", .fetch_site = "same-site", .fetch_dest = "empty"},
            true}, /* another port */
        {{.host = "localhost:6060", .fetch_site = "cross-site"}, true},
        {{.host = "localhost:6060", .fetch_site = "", .fetch_dest = "empty"}, true},
        {{.host = "localhost:6060",
             .origin = "http://evil.example",
             .fetch_site = "cross-site",
             .fetch_dest = "document"},
            true},                                                           /* a form */
        {{.host = "localhost:6060", .origin = "http://evil.example"}, true}, /* an older browser */
        {{.host = "localhost:6060", .origin = "http://localhost:3000"}, true},
        {{.host = "localhost:6060", .origin = "null"}, true},
        {{.host = "localhost:6060", .origin = "localhost:6060"}, true},
        {{.origin = "http://localhost"}, true},
        {{.host = "localhost:6060", .origin = "http://LOCALHOST:6060"}, false},
        {{.host = "localhost:6060", .origin = "https://localhost:6060"}, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_msg(asker_is_foreign(&cases[i].asker) == cases[i].foreign, "case %zu", i);
}
END_TEST

START_TEST(clocks_count_nanoseconds)
{
    ck_assert_int_gt(clock_realtime_ns(), INT64_C(1500000000) * 1000000000);
    int64_t wall = clock_monotonic_ns(), cpu = clock_thread_cpu_ns();
    while (clock_thread_cpu_ns() - cpu < 2000000)
        ;
    ck_assert_int_ge(clock_monotonic_ns() - wall, 2000000 - 1000);
}
END_TEST

Suite *suite(void)
{
    const TTest *const tests[] = {errors_have_text_and_keep_the_position,
        an_error_longer_than_its_storage_is_cut, vectors_grow_and_keep_their_items,
        buffers_take_bytes_and_text, a_failed_buffer_gives_nothing, equal_strings_are_one_pointer,
        a_string_larger_than_a_chunk_is_kept_whole, hashes_spread_neighbours, decimals_are_those_of_printf,
        an_error_is_one_line_that_no_name_can_break, pages_of_others_are_told_from_all_else,
        clocks_count_nanoseconds};
    return HARNESS_SUITE("base", 10, tests);
}
