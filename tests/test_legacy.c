#include "harness.h"

#include "base/buf.h"
#include "model/codec.h"

#include <stdlib.h>
#include <string.h>

static const char map[] = "--- Memory map: ---\n"
                          "00400000-00500000 r-xp 00000000 08:01 77 /lib/liba.so.6\n"
                          "00500000-00580000 r-xp 00000000 08:01 12 /srv/prog\n"
                          "00580000-00600000 r-xp 00080000 08:01 12 /srv/prog\n"
                          "00600000-00700000 rw-p 00000000 08:01 12 /srv/prog\n";

static struct buf all;

static const char *with_map(const char *text)
{
    all.len = 0;
    buf_puts(&all, text);
    buf_puts(&all, map);
    return all.data;
}

static struct profile *decoded(const char *bytes, size_t len)
{
    struct profile *p = NULL;
    struct error e;
    ck_assert_msg(profile_decode(bytes, len, 0, &p, &e) == 0, "%s", e.text);
    return p;
}

static struct profile *read_text(const char *text)
{
    return decoded(text, strlen(text));
}

static void expect_error(const char *text, const char *part)
{
    struct profile *p = NULL;
    struct error e = {0};
    ck_assert_msg(profile_decode(text, strlen(text), 0, &p, &e) < 0, "accepted: %s", text);
    ck_assert_msg(strstr(e.text, part) != NULL, "\"%s\" said: %s", text, e.text);
    ck_assert(!strchr(e.text, '\n'));
}

static void expect_sample(const struct profile *p, size_t sample, size_t value, int64_t want)
{
    ck_assert_uint_gt(p->samples.len, sample);
    ck_assert_int_eq(profile_values(p, sample)[value], want);
}

static uint64_t address(const struct profile *p, size_t sample, size_t frame)
{
    ck_assert_uint_gt(p->samples.items[sample].nlocs, frame);
    return p->locations.items[p->locs.items[p->samples.items[sample].first_loc + frame]].address;
}

START_TEST(heap_samples_are_scaled_up)
{
    struct profile *p = read_text(with_map("heap profile: 3: 3000 [ 7: 9000] @ heap_v2/4096\n"
                                           "# a comment\n"
                                           "  2: 2048 [ 4: 4096] @ 0x500010 0x400010\n"
                                           "  0: 0 [ 1: 8192] @ 0x500010\n"));
    ck_assert_uint_eq(p->sample_types.len, 4);
    ck_assert_str_eq(p->sample_types.items[0].type, "alloc_objects");
    ck_assert_str_eq(p->sample_types.items[3].type, "inuse_space");
    ck_assert_int_eq(p->period, 4096);
    expect_sample(p, 0, 2, 9); /* 2 / (1 - e^(-1024/4096)) */
    expect_sample(p, 0, 3, 9258);
    expect_sample(p, 1, 2, 0);
    expect_sample(p, 1, 1, 9474); /* 8192 / (1 - e^-2) */
    ck_assert_int_eq(p->labels.items[p->samples.items[0].first_label].num, 1024);
    ck_assert_int_eq(p->labels.items[p->samples.items[1].first_label].num, 8192);
    ck_assert_uint_eq(address(p, 0, 0), 0x50000f); /* in the call */
    ck_assert_uint_eq(address(p, 0, 1), 0x40000f);
    ck_assert_uint_eq(p->locations.len, 2);
    ck_assert_msg(strstr(p->drop_frames, "malloc") != NULL, "%s", p->drop_frames);
    profile_free(p);
    p = read_text(
        "heap profile: 1: 64 [3: 192] @ heap/1024\n1: 64 [3: 192] @ 0x10\n"); /* Go: twice the rate */
    ck_assert_int_eq(p->period, 512);
    profile_free(p);
}
END_TEST

START_TEST(growth_and_heapprofile_are_counted_as_they_are)
{
    static const char *const texts[] = {"heap profile: 2: 96 [ 2: 96] @ growthz\n2: 96 [2: 96] @ 0x11 0x22\n",
        "heap profile: 2: 96 [ 2: 96] @ fragmentationz\n2: 96 [2: 96] @ 0x11 0x22\n",
        "heap profile: 2: 96 [ 2: 96] @ heapprofile\n2: 96 [2: 96] @ 0x11 0x22\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct profile *p = read_text(texts[i]);
        ck_assert_uint_eq(p->sample_types.len, 2);
        ck_assert_str_eq(p->sample_types.items[1].type, "space");
        ck_assert_int_eq(p->period, 1);
        expect_sample(p, 0, 0, 2);
        expect_sample(p, 0, 1, 96);
        profile_free(p);
    }
}
END_TEST

START_TEST(contentions_become_nanoseconds)
{
    struct profile *p = read_text("--- contentionz 1 ---\ncycles/second = 2000000000\n"
                                  "sampling period = 10\nms since reset = 3\ndiscarded samples = 0\n"
                                  "  4000  3 @ 0x500010 0x400010\n");
    expect_sample(p, 0, 0, 30);
    expect_sample(p, 0, 1, 20000); /* 4000 cycles are 2000 ns */
    ck_assert_int_eq(p->duration_nanos, 3000000);
    ck_assert_int_eq(p->period, 10);
    profile_free(p);
    p = read_text("--- mutex:\ncycles/second=1000000000\nsampling period=1\n500 2 @ 0x20\n#\t0x1f\tmain.f\n");
    expect_sample(p, 0, 0, 2);
    expect_sample(p, 0, 1, 500);
    profile_free(p);
}
END_TEST

START_TEST(counted_stacks_are_read)
{
    struct profile *p =
        read_text("goroutine profile: total 5\n3 @ 0x10 0x20\n#\t0xf\tmain.f+0x1\n\n2 @ 0x10\n");
    ck_assert_str_eq(p->sample_types.items[0].type, "goroutine");
    ck_assert_uint_eq(p->samples.len, 2);
    expect_sample(p, 0, 0, 3);
    ck_assert_uint_eq(address(p, 0, 1), 0x1f);
    ck_assert_uint_eq(p->locations.len, 2);
    ck_assert_uint_eq(p->mappings.len, 1); /* for all addresses, since there is no map */
    ck_assert_uint_eq(p->mappings.items[0].limit, UINT64_MAX);
    profile_free(p);
}
END_TEST

START_TEST(threads_are_counted)
{
    struct profile *p = read_text(with_map("--- threadz 1 ---\n\n"
                                           "--- Thread 7f01 (name: main/12) stack: ---\n"
                                           "  PC: 0x500020 0x500020 0x400010\n"
                                           "--- Thread 7f02 (name: a/b/13) stack: ---\n"
                                           "  0x500030: f(int)\n  0x400011: g\n"
                                           "--- Thread 7f03 (name: c/14) stack: ---\n"
                                           "  [same as previous thread]\n"));
    ck_assert_uint_eq(p->samples.len, 2);
    expect_sample(p, 0, 0, 1);
    expect_sample(p, 1, 0, 2);
    ck_assert_uint_eq(address(p, 0, 0), 0x500020); /* a leaf is no call, and there once */
    ck_assert_uint_eq(address(p, 0, 1), 0x40000f);
    ck_assert_uint_eq(address(p, 1, 1), 0x400010);
    ck_assert_str_eq(p->mappings.items[0].file, "/srv/prog");
    profile_free(p);
}
END_TEST

START_TEST(the_memory_map_gives_mappings)
{
    struct profile *p = read_text(with_map("goroutine profile: total 1\n1 @ 0x590000 0x450000 0x900000\n"));
    ck_assert_uint_eq(p->mappings.len, 3);
    ck_assert_str_eq(p->mappings.items[0].file, "/srv/prog"); /* first, though a library lies below it */
    ck_assert_uint_eq(p->mappings.items[0].limit, 0x600000);  /* of both its halves */
    ck_assert_str_eq(p->mappings.items[1].file, "/lib/liba.so.6");
    ck_assert_uint_eq(p->locations.items[0].mapping, 0);
    ck_assert_uint_eq(p->locations.items[1].mapping, 1);
    ck_assert_uint_eq(p->locations.items[2].mapping, 2); /* where no mapping is known */
    for (uint32_t i = 0; i < 3; i++)
        ck_assert_uint_eq(p->mappings.items[i].id, i + 1);
    profile_free(p);
    p = read_text("goroutine profile: total 1\n1 @ 0x401000 0x10500\nMAPPED_LIBRARIES:\nbuild=/srv/v1\n"
                  "exe = $build/prog\nI0102 log.cc:12] 0x400000-0x480000: $exe (@400) abc123\n"
                  "what is this\n20000-30000 r-xp 00018000 00:00 1 /lib/libz.so\n");
    ck_assert_str_eq(p->mappings.items[0].file, "/srv/v1/prog");
    ck_assert_str_eq(p->mappings.items[0].build_id, "abc123");
    ck_assert_uint_eq(p->mappings.items[0].offset, 0x400);
    ck_assert_uint_eq(p->locations.items[1].mapping, 1); /* in the part before its start */
    ck_assert_uint_eq(p->mappings.items[1].start, 0x8000);
    profile_free(p);
}
END_TEST

START_TEST(variables_cannot_grow_for_ever)
{
    struct buf b = {0};
    buf_puts(&b, "goroutine profile: total 1\n1 @ 0x10\n--- Memory map: ---\nv0=0123456789\n");
    for (int i = 1; i < 60; i++)
        buf_printf(&b, "v%c=$v%c$v%c\n", '0' + i, '0' + i - 1, '0' + i - 1);
    expect_error(b.data, "more than 8192 bytes in a line");
    b.len = 0;
    buf_puts(&b, "goroutine profile: total 1\n1 @ 0x10\n--- Memory map: ---\n");
    for (int i = 0; i < 1001; i++)
        buf_printf(&b, "name%d=x\n", i);
    expect_error(b.data, "line 1004: more than 1000 names");
    buf_fini(&b);
}
END_TEST

static const char java_heap[] = "--- heapz 1 ---\nformat = java\nresolution = bytes\n"
                                "  8192  2 @ 0x3 0x4\n  100  1 @ 0x5 0x3\n"
                                " 0x5 a.b.C.f (C.java:12)\n 0x9 nobody\n 0x4 g (lib/of/libx.so)\n"
                                " 0x3 GC\n";

START_TEST(java_names_its_frames)
{
    struct profile *p = read_text(java_heap);
    ck_assert_str_eq(p->sample_types.items[1].type, "inuse_space");
    ck_assert_uint_eq(p->locations.len, 3);
    ck_assert_uint_eq(p->functions.len, 3);
    ck_assert_str_eq(p->functions.items[0].name, "GC");
    ck_assert_str_eq(p->functions.items[1].file, "libx.so");
    ck_assert_str_eq(p->functions.items[2].name, "a.b.C.f");
    ck_assert_str_eq(p->functions.items[2].file, "C.java");
    ck_assert_int_eq(p->lines.items[2].line, 12);
    ck_assert_uint_eq(p->locations.items[0].address, 0);
    ck_assert_int_eq(p->labels.items[0].num, 4096);
    expect_sample(p, 0, 0, 257); /* 2 / (1 - e^(-4096/524288)) */
    profile_free(p);
    p = read_text("--- contentionz 1 ---\nformat = java\nresolution = microseconds\nsampling period = 100\n"
                  "ms since reset = 7\n 5 2 @ 0x1\n 0x1 f (x.java:3)\n");
    ck_assert_str_eq(p->sample_types.items[1].unit, "microseconds");
    expect_sample(p, 0, 0, 200);
    expect_sample(p, 0, 1, 500);
    profile_free(p);
}
END_TEST

/* ---- jemalloc ---- */

#define DUMP_HEAD "heap_v2/4096\n  t*: 6: 10240 [13: 12288]\n  t0: 6: 10240 [13: 12288] main\n"
#define DUMP_STACK "@ 0x500010 0x590010 0x400010\n  t*: 2: 2048 [4: 4096]\n  t0: 2: 2048 [4: 4096]\n"
static const char maps_lines[] = "\nMAPPED_LIBRARIES:\n"
                                 "00400000-00500000 r-xp 00000000 08:01 77 /lib/liba.so.6\n"
                                 "00500000-00580000 r-xp 00000000 08:01 12 /lib/libjemalloc.so.2\n"
                                 "00580000-00600000 r-xp 00080000 08:01 12 /srv/prog\n";

static const char *with_maps_lines(const char *text)
{
    all.len = 0;
    buf_puts(&all, text);
    buf_puts(&all, maps_lines);
    return all.data;
}

START_TEST(jemalloc_dumps_are_scaled_up)
{
    struct profile *p = read_text(with_maps_lines(DUMP_HEAD DUMP_STACK "@ 0x500020\n  t*: 0: 0 [1: 8192]\n"));
    static const char *const types[] = {"alloc_objects", "alloc_space", "inuse_objects", "inuse_space"};
    ck_assert_uint_eq(p->sample_types.len, 4);
    for (int i = 0; i < 4; i++)
        ck_assert_str_eq(p->sample_types.items[i].type, types[i]);
    ck_assert_int_eq(p->period, 4096);
    ck_assert_str_eq(p->period_type.type, "space");
    ck_assert_uint_eq(p->samples.len, 2);
    expect_sample(p, 0, 0, 18); /* 4 / (1 - e^(-1024/4096)) */
    expect_sample(p, 0, 1, 18517);
    expect_sample(p, 0, 2, 9);
    expect_sample(p, 0, 3, 9258);
    expect_sample(p, 1, 1, 9474);
    expect_sample(p, 1, 3, 0);
    ck_assert_uint_eq(p->samples.items[0].nlocs, 2); /* the allocator's own frame is gone */
    ck_assert_uint_eq(address(p, 0, 0), 0x59000f);
    ck_assert_uint_eq(p->samples.items[1].nlocs, 1); /* but not where it is all there is */
    ck_assert_str_eq(p->mappings.items[0].file, "/srv/prog");
    ck_assert_int_eq(p->labels.items[p->samples.items[0].first_label].num, 1024);
    ck_assert_uint_eq(p->comments.len, 0);
    ck_assert_msg(strstr(p->drop_frames, "posix_memalign") != NULL, "%s", p->drop_frames);
    profile_free(p);
    p = read_text(with_maps_lines("heap_v2/1\n t*: 1: 64 [0: 0]\n@ 0x590001\n t*: 1: 64 [0: 0]\n"));
    expect_sample(p, 0, 3, 64); /* at rate 1 as it is */
    ck_assert_uint_eq(p->comments.len, 1);
    ck_assert_msg(strstr(p->comments.items[0], "prof_accum") != NULL, "%s", p->comments.items[0]);
    profile_free(p);
}
END_TEST

START_TEST(broken_dumps_are_told_with_the_line)
{
    expect_error("heap_v2/x\n", "line 1: expected heap_v2/ and the sampling rate");
    expect_error("heap_v2/0\n", "line 1: expected heap_v2/");
    expect_error(DUMP_HEAD, "line 3: the dump ends before its memory map");
    expect_error(DUMP_HEAD "@ 0x1 0x2\n", "line 4: the dump ends before");
    expect_error(DUMP_HEAD DUMP_STACK "@ 0x", "line 7: expected addresses");
    expect_error(DUMP_HEAD "@ 0x1\n@ 0x2\n", "line 5: expected the counts");
    expect_error(DUMP_HEAD "@ 0x1\n  t*: 2: 20", "line 5: expected \"t*: objects");
    expect_error(DUMP_HEAD "@ 0x1\n  t*: 0: 20 [1: 1]\n", "line 5: bytes of no objects");
    expect_error(DUMP_HEAD DUMP_STACK "  t*: 1: 1 [1: 1]\n", "line 7: counts without a stack");
    expect_error(DUMP_HEAD DUMP_STACK "what is this\n", "line 7: expected");
    expect_error(DUMP_HEAD DUMP_STACK "@ 0x1\nMAPPED_LIBRARIES:\n", "line 8: the last stack has no counts");
    expect_error(DUMP_HEAD DUMP_STACK "MAPPED_LIBRARIES:\n1-2 r-xp 0 0:0", "line 8: the dump ends within");
}
END_TEST

/* ---- perf script ---- */

#define PERF_FIRST                                                                       \
    "gate way  1234/1240 [003]   912.654355:    2000000 cpu-clock:u: \n"                 \
    "\tffffffff8225fd19 exc_page_fault+0xd6 ([kernel.kallsyms])\n"                       \
    "\t           98109 ns::get(int, char const*) const+0x9 (/srv/gate way (deleted))\n" \
    "\t           1bccb inner+0x55b (inlined)\n"                                         \
    "\t           1bccb outer+0x55b (/srv/gate way (deleted))\n"                         \
    "\t    7f0000001000 LazyCompile:*go file.js:12 (/tmp/perf-1234.map)\n"               \
    "\t    7f0000002000 [unknown] (/usr/lib/libx.so.1)\n\n"
#define PERF_SECOND                                                                 \
    "swapper     0 [000]   912.656355:    2000000 cpu-clock:u: \n\n" /* no stack */ \
    "swapper     0 [000]   912.657355:    2000000 cpu-clock:u:      7ffe10 idle+0x1 ([kernel.kallsyms])\n"

static const char *name(const struct profile *p, size_t sample, size_t frame, size_t inlined)
{
    const struct location *l = &p->locations.items[p->locs.items[p->samples.items[sample].first_loc + frame]];
    return inlined < l->nlines ? p->functions.items[p->lines.items[l->first_line + inlined].function].name
                               : "";
}

START_TEST(perf_script_is_read)
{
    struct profile *p = read_text("# captured\n" PERF_FIRST PERF_SECOND PERF_FIRST);
    ck_assert_uint_eq(p->samples.len, 3); /* one stack came twice */
    ck_assert_uint_eq(p->sample_types.len, 2);
    ck_assert_str_eq(p->sample_types.items[1].type, "cpu");
    ck_assert_str_eq(p->sample_types.items[1].unit, "nanoseconds");
    ck_assert_int_eq(p->period, 2000000);
    ck_assert_int_eq(p->duration_nanos, 3000000);
    expect_sample(p, 0, 0, 2);
    expect_sample(p, 0, 1, 4000000);
    ck_assert_uint_eq(p->samples.items[0].nlocs, 5);
    ck_assert_str_eq(name(p, 0, 0, 0), "exc_page_fault");
    ck_assert_str_eq(name(p, 0, 1, 0), "ns::get(int, char const*) const");
    ck_assert_str_eq(name(p, 0, 2, 0), "inner");
    ck_assert_str_eq(name(p, 0, 2, 1), "outer");
    ck_assert_str_eq(name(p, 0, 3, 0), "LazyCompile:*go file.js:12");
    ck_assert_str_eq(name(p, 0, 4, 0), "");
    ck_assert_uint_eq(address(p, 0, 1), 0x98109); /* interrupted there */
    ck_assert_uint_eq(address(p, 0, 2), 0x1bcca); /* called from there */
    ck_assert_str_eq(p->mappings.items[0].file, "/srv/gate way (deleted)");
    ck_assert(p->mappings.items[0].has_functions && p->mappings.items[0].has_inline_frames);
    ck_assert_str_eq(name(p, 1, 0, 0), "[no stack]");
    ck_assert_str_eq(name(p, 2, 0, 0), "idle");
    static const char *const labels[][2] = {
        {"comm", "gate way"}, {"cpu", "3"}, {"event", "cpu-clock:u"}, {"pid", "1234"}, {"tid", "1240"}};
    ck_assert_uint_eq(p->samples.items[0].nlabels, 5);
    for (int i = 0; i < 5; i++) {
        ck_assert_str_eq(p->labels.items[i].key, labels[i][0]);
        ck_assert_str_eq(p->labels.items[i].str, labels[i][1]);
    }
    ck_assert_str_eq(p->drop_frames, "");
    profile_free(p);
}
END_TEST

START_TEST(perf_script_with_other_fields)
{
    struct profile *p =
        read_text("a 7 cycles:u: \n\t 401136 main\n\nworker x 8 cycles:u: \n\t 401136 main\n\n");
    ck_assert_uint_eq(p->sample_types.len, 1); /* no periods */
    ck_assert_uint_eq(p->samples.len, 2);
    ck_assert_str_eq(p->labels.items[3].str, "worker x");
    profile_free(p);
    p = read_text("a 7 1.5: 100 cycles:u: \n\t1bccb inner\n  a.h:3 (inlined)\n\t1bccb outer (/srv/a)\n"
                  "  a.c:12 (discriminator 2)\n\t1cccc main (/srv/a)\n  ??:0\n\n"
                  "a 7 1.6: 300 cycles:u: \n\t1cccc main (/srv/a)\n  :0\n\n");
    ck_assert_str_eq(p->sample_types.items[1].type, "cycles");
    ck_assert_str_eq(p->sample_types.items[1].unit, "count");
    ck_assert_int_eq(p->period, 0); /* it varies */
    ck_assert_str_eq(name(p, 0, 0, 0), "inner");
    ck_assert_str_eq(name(p, 0, 0, 1), "outer");
    ck_assert_str_eq(p->functions.items[p->lines.items[0].function].file, "a.h");
    ck_assert_int_eq(p->lines.items[1].line, 12);
    ck_assert_str_eq(name(p, 0, 1, 0), "main");
    profile_free(p);
    p = read_text(
        "a 7 1.5: 100 cycles: \n\t1bccb f (/srv/a)\n\n"
        "a 7 1.5: PERF_RECORD_MMAP2 7/7: [0x1(0x2) @ 0 8:1 5 0]: r-xp /srv/a\n"
        "a 7 1.6: sched:sched_switch: prev_comm=a prev_pid=7 ==> next_comm=b\n\t1bccb f (/srv/a)\n\n");
    ck_assert_uint_eq(p->sample_types.len, 1); /* cycles and switches do not add up */
    ck_assert_uint_eq(p->samples.len, 2);
    ck_assert_uint_eq(p->samples.items[1].nlocs, 1);
    profile_free(p);
}
END_TEST

START_TEST(broken_perf_scripts_are_told_with_the_line)
{
    expect_error(PERF_FIRST "what is this\n", "line 9: the text ends within this line");
    expect_error(PERF_FIRST "what is this\n\n", "line 9: expected a sample or a frame");
    expect_error("a 7 1.5: 100 cycles: \n\tzzz f (/srv/a)\n\n", "line 2: expected a sample or a frame");
    expect_error("a 7 1.5: 100 cycles: \n\t1bccb f (/srv/a)\n\t1bc", "line 3: the text ends within a frame");
    expect_error("a 7 1.5: 100 cycles: \n\t1bccb f (/srv/a)\n\t1bccb g+0x1 (/sr", "line 3: the text ends");
    expect_error(PERF_FIRST "gate way  1234/1240 [003]   912.65", "line 9: the text ends within this line");
    expect_error(PERF_FIRST "gate way  1234/1240 [003]   912.654355:  20", "line 9: the text ends within");
    expect_error(PERF_FIRST "gateway 1 9444543512.644454355: 100 cycles: \n\t1bccb f (/srv/a)\n\n",
        "line 9: expected a sample or a frame");
    expect_error("chapter 1 one:\nonce upon a time\n", "offset 0");
}
END_TEST

/* ---- binary ---- */

static void put_word(struct buf *b, uint64_t word, int bytes, bool big_endian)
{
    for (int i = 0; i < bytes; i++)
        buf_putc(b, (char)(word >> 8 * (big_endian ? bytes - 1 - i : i)));
}

static void put_cpu(struct buf *b, int bytes, bool big_endian, const char *rest, uint64_t version)
{
    const uint64_t words[] = {0, 3, version, 10000, 0, /* header */
        2, 3, 0x500010, 0x500999, 0x400010,            /* 0x500999 is the handler's */
        1, 2, 0x400020, 0x500999,                      /* */
        1, 3, 0x500010, 0x500999, 0x500020, 0, 1, 0};
    b->len = 0;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        put_word(b, words[i], bytes, big_endian);
    buf_puts(b, rest);
}

START_TEST(cpu_profiles_of_all_machines_are_read)
{
    struct buf b = {0};
    for (int kind = 0; kind < 4; kind++) {
        put_cpu(&b, kind < 2 ? 4 : 8, kind % 2, map + strlen("--- Memory map: ---\n"), 0);
        struct profile *p = decoded(b.data, b.len);
        ck_assert_int_eq(p->period, 10000000);
        ck_assert_uint_eq(p->samples.len, 3);
        expect_sample(p, 0, 0, 2);
        expect_sample(p, 0, 1, 20000000);
        ck_assert_uint_eq(address(p, 0, 0), 0x500010);
        ck_assert_uint_eq(address(p, 0, 1), 0x40000f);
        ck_assert_uint_eq(p->samples.items[1].nlocs, 1);
        ck_assert_uint_eq(p->locations.len, 4);
        ck_assert_str_eq(p->mappings.items[0].file, "/srv/prog");
        profile_free(p);
        put_cpu(&b, kind < 2 ? 4 : 8, kind % 2, " 0x500010 a.b (B.java:4)\n0x500999 VM\n", 1);
        p = decoded(b.data, b.len);
        ck_assert_uint_eq(p->functions.len, 2);
        ck_assert_uint_eq(p->samples.items[0].nlocs, 3); /* Java's have no such frame */
        profile_free(p);
    }
    buf_fini(&b);
}
END_TEST

/* ---- what is broken ---- */

START_TEST(broken_texts_are_told_with_the_line)
{
    expect_error("heap profile: 1: 2 [1: 2] @ heap_v2/8\n1: 2 [1: 2] @ 0x1\nwhat\n", "line 3: expected");
    expect_error("heap profile: 1: 2 [1: 2] @ heap_v2/8\n0: 2 [1: 2] @ 0x1\n", "line 2: bytes of no objects");
    expect_error("heap profile: 1: 2 [1: 2] @ heap_v3/8\n", "line 1: a heap profile of an unknown kind");
    expect_error("heap profile: none\n", "line 1: a heap profile whose totals");
    expect_error("heap profile: 1: 2 [1: 2] @ heap/99999999999999999999\n", "line 1: a sampling rate");
    expect_error("goroutine profile: total 1\n1 @ 0x11111111111111111\n", "line 2: an address of more");
    expect_error("goroutine profile: total 1\n1 @\n", "line 2: expected \"count @ addresses\"");
    expect_error("goroutine profile: total 1\n99999999999999999999 @ 0x1\n", "line 2: expected");
    expect_error("--- contentionz 1 ---\nsampling period = x\n", "line 2: an attribute whose value");
    expect_error("--- contentionz 1 ---\nunknown = 1\n", "line 2: an unknown attribute");
    expect_error("--- mutex:\n12 @ 0x1\n", "line 2: expected \"cycles contentions");
    expect_error("--- Thread 7f (name: m/1) stack: ---\n  0x1\n", "line 2: the text ends");
    expect_error(
        "--- Thread 7f (name: m/1) stack: ---\n  0x1\n--- what\nmore\n", "line 3: expected the stack");
    expect_error("--- heapz 1 ---\nformat = c\n", "line 2: a format other than java");
    expect_error("--- heapz 1 ---\n 1 1 @ 0x1\n", "line 2: a sample before the resolution");
    expect_error("--- heapz 1 ---\nresolution = bytes\n 1 0 @ 0x1\n", "line 3: bytes of no objects");
    expect_error("no profile at all\n", "");
}
END_TEST

static void decode_and_drop(const char *bytes, size_t len)
{
    struct profile *p = NULL;
    struct error e = {0};
    char *copy = malloc(len ? len : 1); /* of just that size: a sanitizer sees reads beyond it */
    memcpy(copy, bytes, len);
    if (profile_decode(copy, len, 0, &p, &e) == 0)
        profile_free(p);
    else
        ck_assert_msg(e.text[0] && !strchr(e.text, '\n') && !p, "%s", e.text);
    free(copy);
}

/* Cut anywhere and with bytes changed: read or refused, never worse. */
START_TEST(damage_is_survived)
{
    static const char *const texts[] = {
        "heap profile: 3: 3000 [ 7: 9000] @ heap_v2/4096\n 2: 2048 [ 4: 4096] @ 0x500010 0x400010\n",
        "--- contentionz 1 ---\ncycles/second = 2000\nsampling period = 10\n 40 3 @ 0x500010\n",
        "goroutine profile: total 5\n3 @ 0x10 0x20\n#\t0xf\tmain.f+0x1\n",
        "--- threadz 1 ---\n--- Thread 7f01 (name: main/12) stack: ---\n  PC: 0x5 0x5\n", java_heap,
        DUMP_HEAD DUMP_STACK, PERF_FIRST PERF_SECOND};
    static const char replacements[] = "\0\n-0: =$/@[]x9\xff(";
    struct buf b = {0};
    unsigned seed = 3;
    for (size_t i = 0; i <= sizeof texts / sizeof *texts; i++) {
        if (i < sizeof texts / sizeof *texts) {
            b.len = 0;
            buf_puts(&b, texts[i]);
            buf_puts(&b, map);
        } else {
            put_cpu(&b, 8, false, map, 0);
        }
        for (size_t len = 0; len < b.len; len++)
            decode_and_drop(b.data, len);
        for (int round = 0; round < 2000; round++) {
            char *copy = malloc(b.len);
            memcpy(copy, b.data, b.len);
            for (int k = 0; k <= round % 3; k++)
                copy[(size_t)rand_r(&seed) % b.len] =
                    replacements[(size_t)rand_r(&seed) % (sizeof replacements - 1)];
            decode_and_drop(copy, b.len);
            free(copy);
        }
    }
    put_cpu(&b, 4, false, "", 0);
    struct profile *p = NULL;
    struct error e;
    ck_assert_int_eq(profile_decode(b.data, 4 * 8, 0, &p, &e), ERR_FORMAT); /* in the middle of a stack */
    ck_assert_msg(strstr(e.text, "offset 28") != NULL, "%s", e.text);
    buf_fini(&b);
}
END_TEST

Suite *suite(void)
{
    const TTest *tests[] = {heap_samples_are_scaled_up, growth_and_heapprofile_are_counted_as_they_are,
        contentions_become_nanoseconds, counted_stacks_are_read, threads_are_counted,
        the_memory_map_gives_mappings, variables_cannot_grow_for_ever, java_names_its_frames,
        jemalloc_dumps_are_scaled_up, broken_dumps_are_told_with_the_line, perf_script_is_read,
        perf_script_with_other_fields, broken_perf_scripts_are_told_with_the_line,
        cpu_profiles_of_all_machines_are_read, broken_texts_are_told_with_the_line, damage_is_survived};
    return HARNESS_SUITE("legacy", 20, tests);
}
