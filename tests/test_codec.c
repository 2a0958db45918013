#include "harness.h"

#include "model/check.h"
#include "model/codec.h"
#include "model/gunzip.h"
#include "model/gzip.h"
#include "sample_profile.h"

#include <stdio.h>
#include <string.h>
#include <zlib.h>

static struct profile *rich_profile(void)
{
    struct profile *p = sample_profile();
    p->default_sample_type = profile_string(p, "cpu");
    p->drop_frames = profile_string(p, "abort|exit");
    p->keep_frames = profile_string(p, "keep");
    p->doc_url = profile_string(p, "https://example.com/");
    p->time_nanos = 1700000000000000000;
    p->duration_nanos = 1500000000;
    p->period_type = (struct value_type){profile_string(p, "cpu"), profile_string(p, "nanoseconds")};
    p->period = 10000000;
    profile_add_comment(p, profile_string(p, "first"));
    profile_add_comment(p, profile_string(p, "second"));
    profile_add_sample(p, NULL, 0, (int64_t[]){-5, INT64_MIN},
        &(struct label){.key = profile_string(p, "bytes"),
            .num = -3,
            .num_unit = profile_string(p, "kb"),
            .is_num = true},
        1);
    profile_add_location(p,
        &(struct location){.id = UINT64_MAX, .address = UINT64_MAX, .mapping = NO_INDEX, .folded = true},
        &(struct line){.function = 0, .line = -1, .column = 7}, 1, NULL);
    return p;
}

static void encode(const struct profile *p, bool gzip, struct buf *out)
{
    struct error e;
    ck_assert_msg(profile_encode(p, gzip, out, &e) == 0, "%s", e.text);
}

static void same_strings(const char *a, const char *b)
{
    ck_assert_str_eq(a, b);
}

static void expect_same(const struct profile *a, const struct profile *b)
{
    ck_assert_uint_eq(a->sample_types.len, b->sample_types.len);
    for (size_t i = 0; i < a->sample_types.len; i++)
        same_strings(a->sample_types.items[i].unit, b->sample_types.items[i].unit);
    ck_assert_uint_eq(a->samples.len, b->samples.len);
    ck_assert_mem_eq(a->samples.items, b->samples.items, a->samples.len * sizeof(struct sample));
    ck_assert_mem_eq(a->values.items, b->values.items, a->values.len * sizeof(int64_t));
    ck_assert_mem_eq(a->locs.items, b->locs.items, a->locs.len * sizeof(uint32_t));
    ck_assert_uint_eq(a->labels.len, b->labels.len);
    for (size_t i = 0; i < a->labels.len; i++) {
        same_strings(a->labels.items[i].key, b->labels.items[i].key);
        same_strings(a->labels.items[i].str, b->labels.items[i].str);
        same_strings(a->labels.items[i].num_unit, b->labels.items[i].num_unit);
        ck_assert_int_eq(a->labels.items[i].num, b->labels.items[i].num);
    }
    ck_assert_uint_eq(a->locations.len, b->locations.len);
    for (size_t i = 0; i < a->locations.len; i++) {
        const struct location *x = &a->locations.items[i], *y = &b->locations.items[i];
        ck_assert(x->id == y->id && x->address == y->address && x->mapping == y->mapping &&
                  x->nlines == y->nlines && x->folded == y->folded);
    }
    ck_assert_mem_eq(&a->lines.items[0].line, &b->lines.items[0].line, sizeof(int64_t));
    ck_assert_int_eq(a->lines.items[a->lines.len - 1].column, b->lines.items[b->lines.len - 1].column);
    same_strings(a->functions.items[1].name, b->functions.items[1].name);
    same_strings(a->mappings.items[0].file, b->mappings.items[0].file);
    same_strings(a->default_sample_type, b->default_sample_type);
    same_strings(a->drop_frames, b->drop_frames);
    same_strings(a->keep_frames, b->keep_frames);
    same_strings(a->doc_url, b->doc_url);
    same_strings(a->period_type.unit, b->period_type.unit);
    same_strings(a->comments.items[1], b->comments.items[1]);
    ck_assert(
        a->time_nanos == b->time_nanos && a->duration_nanos == b->duration_nanos && a->period == b->period);
}

START_TEST(round_trip)
{
    struct profile *p = rich_profile(), *q;
    for (int gzip = 0; gzip < 2; gzip++) {
        struct buf bytes = {0};
        struct error e;
        encode(p, gzip, &bytes);
        ck_assert_int_eq(gzip_is(bytes.data, bytes.len), gzip);
        ck_assert_msg(profile_decode(bytes.data, bytes.len, 0, &q, &e) == 0, "%s", e.text);
        expect_same(p, q);
        profile_free(q);
        buf_fini(&bytes);
    }
    profile_free(p);
}
END_TEST

START_TEST(strings_are_numbered_as_met)
{
    struct profile *p = sample_profile();
    struct buf bytes = {0};
    encode(p, false, &bytes);
    /* sample types first, then labels by sorted key, then mappings and functions */
    const char *order[] = {"samples", "count", "cpu", "nanoseconds", "ant", "x", "zoo", "b", "a", "size",
        "/bin/a", "inner", "outer"};
    const char *at = bytes.data;
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        char field[64];
        int n = snprintf(field, sizeof field, "\x32%c%s", (int)strlen(order[i]), order[i]);
        at = memmem(at, (size_t)(bytes.data + bytes.len - at), field, (size_t)n);
        ck_assert_msg(at != NULL, "%s is missing or too early", order[i]);
    }
    buf_fini(&bytes);
    profile_free(p);
}
END_TEST

static void expect_error(const void *bytes, size_t len, const char *what)
{
    struct profile *p = NULL;
    struct error e = {0};
    ck_assert_int_lt(profile_decode(bytes, len, 0, &p, &e), 0);
    ck_assert_ptr_null(p);
    ck_assert_msg(strstr(e.text, what) != NULL, "wanted \"%s\", said: %s", what, e.text);
}

#define EXPECT_ERROR(literal, what) expect_error(literal, sizeof(literal) - 1, what)

START_TEST(errors_name_place_and_reason)
{
    EXPECT_ERROR("", "empty");
    EXPECT_ERROR("\x0a", "offset 1: number is cut off");
    EXPECT_ERROR("\x32\x05hell", "offset 1: a field of 5 bytes, but only 4 follow");
    EXPECT_ERROR("\x0b", "offset 0: unknown wire type 3");
    EXPECT_ERROR(
        "\x48\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "offset 1: number is longer than ten bytes");
    EXPECT_ERROR("\x48\x01", "no string table");
    EXPECT_ERROR("\x32\x01x", "offset 0: string 0 is not empty");
    EXPECT_ERROR("\x32\x00\x48\x01\x48\x02", "offset 4: a second time");
    EXPECT_ERROR("\x32\x00\x38\x07", "offset 2: string 7 of a table of 1");
    EXPECT_ERROR("\x32\x00\x38\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "string -1 of a table of 1");
    EXPECT_ERROR("\x32\x00\x0a\x02\x0a\x00", "offset 4: wrong wire type for a number");
    EXPECT_ERROR("\x32\x00\x12\x02\x10\x01", "a sample of 1 values in a profile of 0 sample types");
    EXPECT_ERROR("\x32\x00\x12\x02\x08\x05", "a sample at location 5, which there is not");
    EXPECT_ERROR("\x32\x00\x22\x06\x08\x01\x22\x02\x08\x03", "a line of function 3, which there is not");
    EXPECT_ERROR("\x32\x00\x1a\x00", "offset 2: a mapping with the reserved id 0");
    EXPECT_ERROR("\x32\x00\x2a\x02\x08\x01\x2a\x02\x08\x01", "offset 6: a second function with the id 1");
    EXPECT_ERROR("\x1f\x8b\x08\x00garbage", "the gzip data");
    EXPECT_ERROR("\x1f\x8b", "offset 2: the gzip data ends early");
}
END_TEST

START_TEST(a_label_without_a_value_is_dropped)
{
    static const char bytes[] = "\x32\x00\x32\x01k\x0a\x00\x12\x0a\x10\x01\x1a\x02\x08\x01\x1a\x02\x18\x00";
    struct profile *p;
    struct error e;
    ck_assert_msg(profile_decode(bytes, sizeof bytes - 1, 0, &p, &e) == 0, "%s", e.text);
    ck_assert_uint_eq(p->samples.len, 1);
    ck_assert_uint_eq(p->labels.len, 0);
    profile_free(p);
}
END_TEST

/* Every prefix, plain and packed: decoded or refused with a reason, never a crash. */
START_TEST(truncated_at_every_byte)
{
    struct profile *p = rich_profile();
    for (int gzip = 0; gzip < 2; gzip++) {
        struct buf bytes = {0};
        encode(p, gzip, &bytes);
        for (size_t len = 0; len < bytes.len; len++) {
            char *copy = malloc(len + 1); /* so that a sanitizer sees a read past the end */
            memcpy(copy, bytes.data, len);
            struct profile *q = NULL;
            struct error e = {0};
            char *exact = realloc(copy, len ? len : 1);
            int code = profile_decode(exact, len, 0, &q, &e);
            ck_assert_msg(code ? q == NULL && e.text[0] : profile_check(q, NULL) == 0, "at %zu", len);
            ck_assert_msg(!gzip || code, "%zu of %zu packed bytes were enough", len, bytes.len);
            profile_free(q);
            free(exact);
        }
        buf_fini(&bytes);
    }
    profile_free(p);
}
END_TEST

START_TEST(random_damage)
{
    struct profile *p = rich_profile();
    struct buf bytes = {0};
    encode(p, false, &bytes);
    unsigned seed = 12345;
    int refused = 0;
    for (int round = 0; round < 20000; round++) {
        char *copy = malloc(bytes.len);
        memcpy(copy, bytes.data, bytes.len);
        for (int flips = 1 + rand_r(&seed) % 4; flips; flips--)
            copy[(size_t)rand_r(&seed) % bytes.len] = (char)rand_r(&seed);
        struct profile *q = NULL;
        struct error e = {0};
        if (profile_decode(copy, bytes.len, 0, &q, &e)) {
            refused++;
            ck_assert(e.text[0] && !q);
        } else {
            ck_assert_int_eq(profile_check(q, NULL), 0);
            struct buf again = {0};
            encode(q, false, &again); /* what was accepted can be written */
            buf_fini(&again);
        }
        profile_free(q);
        free(copy);
    }
    ck_assert_int_gt(refused, 1000);
    buf_fini(&bytes);
    profile_free(p);
}
END_TEST

START_TEST(unpacking_is_bounded)
{
    struct buf packed = {0}, out = {0};
    struct error e;
    size_t len = 8 << 20;
    char *zeros = calloc(1, len);
    ck_assert_int_eq(gzip_pack(zeros, len, &packed, &e), 0);
    ck_assert_uint_lt(packed.len, len / 100);
    ck_assert_int_eq(gzip_unpack(packed.data, packed.len, len - 1, &out, &e), ERR_LIMIT);
    ck_assert_uint_eq(out.len, 0);
    struct profile *p = NULL;
    ck_assert_int_eq(profile_decode(packed.data, packed.len, 1 << 20, &p, &e), ERR_LIMIT);
    ck_assert_int_eq(gzip_unpack(packed.data, packed.len, len, &out, &e), 0);
    ck_assert_uint_eq(out.len, len);
    buf_fini(&out);
    free(zeros);
    buf_fini(&packed);
}
END_TEST

START_TEST(members_of_a_gzip_file_follow_one_another)
{
    struct buf packed = {0}, out = {0};
    struct error e;
    gzip_pack("read ", 5, &packed, &e);
    gzip_pack("all three", 9, &packed, &e);
    ck_assert_int_eq(gzip_unpack(packed.data, packed.len, 100, &out, &e), 0);
    ck_assert_str_eq(out.data, "read all three");
    buf_puts(&packed, "junk");
    ck_assert_int_eq(gzip_unpack(packed.data, packed.len, 100, &out, &e), ERR_FORMAT);
    ck_assert_str_eq(out.data, "read all three");
    buf_fini(&out);
    buf_fini(&packed);
}
END_TEST

static void expect_left_alone(const struct buf *packed, size_t max_bytes, const char *what)
{
    struct buf out = {0};
    buf_puts(&out, "before");
    ck_assert_msg(!gunzip_whole(packed->data, packed->len, max_bytes, &out), "%s was unpacked", what);
    ck_assert_str_eq(out.data, "before");
    ck_assert_uint_eq(out.len, 6);
    buf_fini(&out);
}

START_TEST(one_member_of_the_size_it_claims_is_unpacked_at_once)
{
    struct buf packed = {0}, out = {0};
    struct error e;
    gzip_pack("read all three", 14, &packed, &e);
    buf_puts(&out, "to ");
    ck_assert(gunzip_whole(packed.data, packed.len, 14, &out));
    ck_assert_str_eq(out.data, "to read all three");
    expect_left_alone(&packed, 13, "more than was allowed");
    packed.data[packed.len - 4]--; /* the size */
    expect_left_alone(&packed, 100, "a wrong claim");
    packed.data[packed.len - 4]++;
    packed.data[packed.len - 8]--; /* the checksum */
    expect_left_alone(&packed, 100, "a damaged member");
    packed.data[packed.len - 8]++;
    gzip_pack("ones", 4, &packed, &e);
    expect_left_alone(&packed, 100, "a second member");
    buf_fini(&out);
    buf_fini(&packed);
}
END_TEST

/* Our own packer packs zeros 230 times; what fills memory is made by one that tries harder. */
START_TEST(what_is_packed_to_fill_memory_is_not_unpacked)
{
    const size_t len = 2 * (size_t)GZIP_FREE_BYTES;
    struct buf packed = {0}, out = {0};
    struct error e;
    unsigned char *zeros = calloc(1, len);
    z_stream z = {.next_in = zeros, .avail_in = (unsigned)len};
    ck_assert(zeros && buf_reserve(&packed, len / 100));
    ck_assert_int_eq(deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_out = (unsigned char *)packed.data;
    z.avail_out = (unsigned)(len / 100);
    ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    packed.len = len / 100 - z.avail_out;
    deflateEnd(&z);
    ck_assert_uint_eq(gzip_claim(packed.data, packed.len), len);
    ck_assert_uint_lt(packed.len, len / GZIP_MOST_RATIO);
    expect_left_alone(&packed, len, "a bomb");
    ck_assert_int_eq(gzip_unpack(packed.data, packed.len, len, &out, &e), ERR_LIMIT);
    ck_assert_uint_eq(out.len, 0);
    buf_fini(&out);
    buf_fini(&packed);
    free(zeros);
}
END_TEST

Suite *suite(void)
{
    const TTest *tests[] = {round_trip, strings_are_numbered_as_met, errors_name_place_and_reason,
        a_label_without_a_value_is_dropped, truncated_at_every_byte, random_damage, unpacking_is_bounded,
        members_of_a_gzip_file_follow_one_another, one_member_of_the_size_it_claims_is_unpacked_at_once,
        what_is_packed_to_fill_memory_is_not_unpacked};
    return HARNESS_SUITE("codec", 20, tests);
}
