#include "export/convert.h"

#include "cprof.h"
#include "export/names.h"
#include "harness.h"
#include "model/codec.h"

#include <dlfcn.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- stacks of this program -----------------------------------------------------------------------------
 */

static uintptr_t return_address(void) __attribute__((noinline));
static uintptr_t return_address(void)
{
    return (uintptr_t)__builtin_return_address(0);
}

static __attribute__((noinline)) uintptr_t inside_alpha(void)
{
    uintptr_t pc = return_address();
    __asm__ volatile("" ::: "memory");
    return pc;
}

static __attribute__((noinline)) uintptr_t inside_beta(void)
{
    uintptr_t pc = return_address();
    __asm__ volatile("nop" ::: "memory"); /* else the compiler makes one function of the two */
    return pc;
}

static struct snapshot shot;

static void add(const uintptr_t *pcs, uint16_t depth, bool leaf_is_return, int64_t a, int64_t b)
{
    struct snapshot_record r = {.depth = depth, .leaf_is_return = leaf_is_return, .values = {a, b}};
    ck_assert_int_eq(snapshot_add(&shot, &r, pcs), 0);
}

/* What a reader gets: through bytes and back. */
static struct profile *read_back(enum feed_id id)
{
    struct profile *made, *read;
    struct buf bytes = {0};
    struct error e = {0};
    ck_assert_msg(convert_snapshot(&shot, feed_get(id), &made, &e) == 0, "%s", e.text);
    ck_assert_msg(profile_encode(made, true, &bytes, &e) == 0, "%s", e.text);
    ck_assert_msg(profile_decode(bytes.data, bytes.len, 0, &read, &e) == 0, "%s", e.text);
    buf_fini(&bytes);
    profile_free(made);
    snapshot_fini(&shot);
    shot = (struct snapshot){0};
    return read;
}

static const struct function *function_at(const struct profile *p, size_t sample, uint32_t frame)
{
    const struct location *l = &p->locations.items[p->locs.items[p->samples.items[sample].first_loc + frame]];
    return &p->functions.items[p->lines.items[l->first_line].function];
}

static uint64_t address_at(const struct profile *p, size_t sample, uint32_t frame)
{
    return p->locations.items[p->locs.items[p->samples.items[sample].first_loc + frame]].address;
}

/* What Parca, Alloy and Pyroscope rely on. */
static void check_invariants(const struct profile *p)
{
    for (size_t i = 0; i < p->mappings.len; i++)
        ck_assert_uint_eq(p->mappings.items[i].id, i + 1);
    for (size_t i = 0; i < p->functions.len; i++) {
        ck_assert_uint_eq(p->functions.items[i].id, i + 1);
        ck_assert_str_ne(p->functions.items[i].name, "");
    }
    for (size_t i = 0; i < p->locations.len; i++) {
        ck_assert_uint_eq(p->locations.items[i].id, i + 1);
        ck_assert_uint_ne(p->locations.items[i].address, 0);
        ck_assert_uint_ge(p->locations.items[i].nlines, 1);
        for (size_t k = 0; k < i; k++)
            ck_assert_uint_ne(p->locations.items[k].address, p->locations.items[i].address);
    }
    ck_assert_str_ne(p->period_type.type, "");
    ck_assert_str_ne(p->period_type.unit, "");
}

/* ---- tests ----------------------------------------------------------------------------------------------
 */

START_TEST(return_addresses_are_decremented_and_the_leaf_is_not)
{
    uintptr_t alpha = inside_alpha(), beta = inside_beta();
    uintptr_t pcs[] = {(uintptr_t)inside_alpha, alpha, beta};
    add(pcs, 3, false, 1, 10);
    add(pcs + 1, 2, true, 2, 20);
    add(pcs + 1, 2, false, 4, 40);
    struct profile *p = read_back(FEED_CPU);
    check_invariants(p);
    ck_assert_uint_eq(p->samples.len, 3);
    ck_assert_uint_eq(address_at(p, 0, 0), pcs[0]); /* the first byte of a function is in that function */
    ck_assert_uint_eq(address_at(p, 0, 1), alpha - 1);
    ck_assert_uint_eq(address_at(p, 0, 2), beta - 1);
    ck_assert_uint_eq(address_at(p, 1, 0), alpha - 1);
    ck_assert_uint_eq(address_at(p, 2, 0), alpha);
    ck_assert_uint_eq(p->locations.len, 4);
    ck_assert_str_eq(function_at(p, 0, 0)->name, "inside_alpha");
    ck_assert_str_eq(function_at(p, 0, 1)->name, "inside_alpha");
    ck_assert_str_eq(function_at(p, 0, 2)->name, "inside_beta");
    ck_assert_ptr_nonnull(strstr(function_at(p, 0, 2)->file, "/tests/test_convert.c"));
    ck_assert_int_gt(function_at(p, 0, 2)->start_line, 0);
    profile_free(p);
}
END_TEST

/* The call of a noreturn function may be the last instruction: its return address is the next function's. */
START_TEST(a_return_address_past_the_end_belongs_to_the_caller)
{
    struct symbol_frame f;
    struct error e = {0};
    struct symbolizer *names = names_begin(&e);
    ck_assert_ptr_nonnull(names);
    uintptr_t at = (uintptr_t)inside_alpha, end = at;
    while (symbolizer_frames(names, end, &f, 1) && strcmp(f.function, "inside_alpha") == 0)
        end++;
    names_end(names);
    ck_assert_uint_gt(end, at);
    uintptr_t pcs[] = {at, end};
    add(pcs, 2, false, 1, 1);
    struct profile *p = read_back(FEED_CPU);
    ck_assert_str_eq(function_at(p, 0, 1)->name, "inside_alpha");
    profile_free(p);
}
END_TEST

START_TEST(mappings_have_build_ids_and_say_what_is_named)
{
    char exe[4096];
    exe[readlink("/proc/self/exe", exe, sizeof exe - 1)] = '\0';
    uintptr_t libc = (uintptr_t)dlsym(dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD), "strtol");
    add(&libc, 1, false, 1, 1);
    struct profile *p = read_back(FEED_CPU);
    check_invariants(p);
    ck_assert_uint_eq(p->mappings.len, 2);
    ck_assert_str_eq(p->mappings.items[0].file, exe); /* though no sample is in it */
    ck_assert_uint_eq(strlen(p->mappings.items[0].build_id), 40);
    ck_assert_ptr_nonnull(strstr(p->mappings.items[1].file, "/libc.so.6"));
    ck_assert_uint_eq(strlen(p->mappings.items[1].build_id), 40);
    ck_assert(p->mappings.items[1].has_functions);
    bool debug = harness_has_debug_file(p->mappings.items[1].build_id);
    ck_assert(p->mappings.items[1].has_filenames == debug); /* a stripped library knows no lines */
    ck_assert(p->mappings.items[1].has_line_numbers == debug);
    ck_assert_str_eq(function_at(p, 0, 0)->name, "strtol");
    ck_assert_uint_le(p->mappings.items[1].start, libc);
    ck_assert_uint_gt(p->mappings.items[1].limit, libc);
    profile_free(p);
}
END_TEST

/* A function with unwind tables and no symbol, as the static ones of a stripped library are. */
__asm__(".pushsection .text\n"
        "\t.p2align 4\n"
        ".Lnameless:\n"
        "\t.cfi_startproc\n"
        "\t.fill 64, 1, 0x90\n"
        "\tret\n"
        "\t.cfi_endproc\n"
        "\t.popsection\n"
        "\t.pushsection .data.rel.local, \"aw\"\n"
        "\t.p2align 3\n"
        "nameless:\n"
        "\t.quad .Lnameless\n"
        "\t.popsection\n");
extern const uintptr_t nameless;

START_TEST(an_address_without_a_name_shows_where_its_function_begins)
{
    Dl_info info;
    uintptr_t start = nameless, at = start + 50;
    uintptr_t pcs[] = {at, at - 6, 0x1001};
    ck_assert(dladdr((void *)at, &info));
    char wanted[64];
    snprintf(wanted, sizeof wanted, "test_convert+0x%" PRIxPTR, start - (uintptr_t)info.dli_fbase);
    add(pcs, 3, false, 1, 1);
    struct profile *p = read_back(FEED_CPU);
    check_invariants(p);
    ck_assert_str_eq(function_at(p, 0, 0)->name, wanted);
    ck_assert_ptr_eq(function_at(p, 0, 1), function_at(p, 0, 0)); /* one function, two places */
    ck_assert_uint_eq(address_at(p, 0, 0), at);
    ck_assert(!p->mappings.items[0].has_functions);
    ck_assert_str_eq(function_at(p, 0, 2)->name, "0x1000"); /* in no mapping at all */
    ck_assert_uint_eq(p->locations.items[2].mapping, NO_INDEX);
    profile_free(p);
}
END_TEST

START_TEST(types_periods_and_times_of_each_source)
{
    static const struct {
        enum feed_id id;
        const char *types, *period, *default_type;
    } wanted[] = {
        {FEED_CPU, "samples/count cpu/nanoseconds ", "cpu/nanoseconds", ""},
        {FEED_HEAP, "alloc_objects/count alloc_space/bytes inuse_objects/count inuse_space/bytes ",
            "space/bytes", ""},
        {FEED_ALLOCS, "alloc_objects/count alloc_space/bytes inuse_objects/count inuse_space/bytes ",
            "space/bytes", "alloc_space"},
        {FEED_THREADS, "threads/count ", "threads/count", ""},
        {FEED_GOROUTINE, "goroutine/count ", "goroutine/count", ""},
        {FEED_THREADCREATE, "threadcreate/count ", "threadcreate/count", ""},
        {FEED_MUTEX, "contentions/count delay/nanoseconds ", "contentions/count", ""},
        {FEED_BLOCK, "contentions/count delay/nanoseconds ", "contentions/count", ""},
        {FEED_WALL, "samples/count time/nanoseconds ", "wallclock/nanoseconds", ""},
    };
    uintptr_t pc = inside_alpha();
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        struct buf types = {0};
        char period[64];
        shot = (struct snapshot){.time_ns = 1234567890123456789, .duration_ns = 42, .period = 7};
        add(&pc, 1, true, 3, 5);
        struct profile *p = read_back(wanted[i].id);
        check_invariants(p);
        for (size_t k = 0; k < p->sample_types.len; k++)
            buf_printf(&types, "%s/%s ", p->sample_types.items[k].type, p->sample_types.items[k].unit);
        ck_assert_str_eq(types.data, wanted[i].types);
        snprintf(period, sizeof period, "%s/%s", p->period_type.type, p->period_type.unit);
        ck_assert_str_eq(period, wanted[i].period);
        ck_assert_str_eq(p->default_sample_type, wanted[i].default_type);
        ck_assert_int_eq(p->time_nanos, 1234567890123456789);
        ck_assert_int_eq(p->duration_nanos, 42);
        ck_assert_int_eq(p->period, 7);
        ck_assert_int_eq(profile_values(p, 0)[0], wanted[i].id == FEED_THREADCREATE ? 5 : 3);
        ck_assert_uint_eq(p->comments.len, 0);
        buf_fini(&types);
        profile_free(p);
    }
}
END_TEST

START_TEST(block_sizes_are_labels)
{
    uintptr_t pc = inside_alpha();
    struct snapshot_record r = {
        .depth = 1, .leaf_is_return = true, .values = {4, 400, 1, 100}, .block_bytes = 100};
    ck_assert_int_eq(snapshot_add(&shot, &r, &pc), 0);
    struct profile *p = read_back(FEED_HEAP);
    ck_assert_uint_eq(p->samples.items[0].nlabels, 1);
    const struct label *l = &p->labels.items[p->samples.items[0].first_label];
    ck_assert_str_eq(l->key, "bytes");
    ck_assert(l->is_num);
    ck_assert_int_eq(l->num, 100);
    ck_assert_str_eq(l->num_unit, "");
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(profile_values(p, 0)[i], r.values[i]);
    profile_free(p);
}
END_TEST

START_TEST(labels_of_threads_come_first_and_by_key)
{
    uintptr_t pc = inside_alpha();
    const struct label_set *set = NULL;
    ck_assert_int_eq(labelset_with(set, "zebra", "1", &set), 0);
    ck_assert_int_eq(labelset_with(set, "ape",
                         "\xc3\xa4"
                         "ffin",
                         &set),
        0);
    ck_assert_int_eq(labelset_with(set, "mouse", "x y", &set), 0);
    struct snapshot_record r = {.depth = 1, .values = {1, 2}, .block_bytes = 64, .labels = set};
    ck_assert_int_eq(snapshot_add(&shot, &r, &pc), 0);
    r.labels = NULL;
    r.block_bytes = 0;
    ck_assert_int_eq(snapshot_add(&shot, &r, &pc), 0);
    struct profile *p = read_back(FEED_CPU);
    static const char *const wanted[][2] = {{"ape", "\xc3\xa4"
                                                    "ffin"},
        {"mouse", "x y"}, {"zebra", "1"}, {"bytes", ""}};
    ck_assert_uint_eq(p->samples.items[0].nlabels, 4);
    for (int i = 0; i < 4; i++) {
        const struct label *l = &p->labels.items[p->samples.items[0].first_label + i];
        ck_assert_str_eq(l->key, wanted[i][0]);
        ck_assert_str_eq(l->str, wanted[i][1]);
        ck_assert_int_eq(l->is_num, i == 3);
    }
    ck_assert_uint_eq(p->samples.items[1].nlabels, 0);
    profile_free(p);
}
END_TEST

START_TEST(lost_samples_and_the_source_are_comments)
{
    uintptr_t pc = inside_alpha();
    shot = (struct snapshot){.lost = 17, .source = "timer"};
    add(&pc, 1, true, 1, 1);
    struct profile *p = read_back(FEED_CPU);
    ck_assert_uint_eq(p->comments.len, 2);
    ck_assert_str_eq(p->comments.items[0], "# source: timer; samples lost: 17");
    ck_assert_str_eq(p->comments.items[1], "17 samples were lost");
    profile_free(p);
}
END_TEST

START_TEST(nothing_is_a_profile_too_and_zeros_are_nothing)
{
    uintptr_t pc = inside_alpha();
    add(&pc, 1, true, 0, 0);
    struct profile *p = read_back(FEED_BLOCK);
    ck_assert_uint_eq(p->samples.len, 0);
    ck_assert_uint_eq(p->sample_types.len, 2);
    ck_assert_uint_eq(p->mappings.len, 1);
    profile_free(p);
}
END_TEST

START_TEST(equal_stacks_of_threads_are_counted_once)
{
    struct threads_snapshot threads = {0};
    struct snapshot grouped;
    uintptr_t a[] = {0x1000, 0x2000}, b[] = {0x1000, 0x3000};
    const uintptr_t *stacks[] = {a, b, a, a, a};
    for (uint32_t i = 0; i < 5; i++) {
        struct snapshot_record r = {.depth = 2, .leaf_is_return = i == 4, .values = {1}};
        struct thread_info t = {.tid = (pid_t)i + 1, .record = i, .is_profiler = i == 3};
        ck_assert_int_eq(snapshot_add(&threads.stacks, &r, stacks[i]), 0);
        ck_assert(vec_push(&threads.threads, t));
    }
    ck_assert_int_eq(feed_group_threads(&threads, &grouped), 0);
    ck_assert_uint_eq(grouped.records.len, 3); /* a, b, and a with a leaf that is something else */
    ck_assert_int_eq(grouped.records.items[0].values[0], 2);
    ck_assert_int_eq(grouped.records.items[1].values[0], 1);
    ck_assert_int_eq(grouped.records.items[2].values[0], 1);
    ck_assert_uint_eq(grouped.pcs.items[grouped.records.items[1].first_pc + 1], 0x3000);
    snapshot_fini(&grouped);
    snapshot_fini(&threads.stacks);
    vec_fini(&threads.threads);
}
END_TEST

static const char *comment_with(const struct profile *p, const char *text)
{
    for (size_t i = 0; i < p->comments.len; i++)
        if (strstr(p->comments.items[i], text))
            return p->comments.items[i];
    return NULL;
}

static struct profile *convert_within(int64_t max_ns, uint64_t max_bytes)
{
    uintptr_t pcs[] = {(uintptr_t)inside_alpha, inside_beta()};
    names_forget();
    struct symbolizer *names = names_begin(NULL);
    ck_assert_ptr_nonnull(names);
    symbolizer_bound(names, max_ns, max_bytes);
    names_end(names);
    add(pcs, 2, false, 1, 10);
    return read_back(FEED_CPU);
}

/* Where the debug information would take too much, names are those of the symbol table, and the profile says
 * why. */
START_TEST(what_is_left_out_is_said)
{
    static const char said[] = "2 addresses have a name from a symbol table at most (the first is in ";
    struct profile *whole = convert_within(SYMBOL_MAX_NS, SYMBOL_MAX_BYTES);
    ck_assert_ptr_null(comment_with(whole, "symbol table"));
    ck_assert(whole->mappings.items[0].has_line_numbers);

    struct profile *large = convert_within(0, 1 << 20), *slow = convert_within(1, 0);
    ck_assert_ptr_nonnull(comment_with(large, said));
    ck_assert_ptr_nonnull(comment_with(large, "test_convert): debug information may take 32 MB at most"));
    ck_assert_ptr_nonnull(comment_with(slow, said));
    ck_assert_ptr_nonnull(comment_with(slow, "test_convert): debug information is read for 2 s at most"));
    for (int i = 0; i < 2; i++) {
        struct profile *p = i ? slow : large;
        check_invariants(p);
        ck_assert_str_eq(function_at(p, 0, 0)->name, "inside_alpha");
        ck_assert_str_eq(function_at(p, 0, 1)->name, "inside_beta");
        ck_assert_str_eq(function_at(p, 0, 0)->file, "");
        ck_assert(p->mappings.items[0].has_functions && !p->mappings.items[0].has_line_numbers);
    }
    profile_free(whole);
    profile_free(large);
    profile_free(slow);
    names_forget();
}
END_TEST

/* ---- a clock that jumps ---------------------------------------------------------------------------------
 */

static atomic_long hours_ahead;

/* In the place of libc's. */
int clock_gettime(clockid_t id, struct timespec *now)
{
    int r = (int)syscall(SYS_clock_gettime, id, now);
    if (id == CLOCK_REALTIME)
        now->tv_sec += 3600 * atomic_load(&hours_ahead);
    return r;
}

static void *set_clock_back(void *arg)
{
    usleep(300000);
    atomic_store(&hours_ahead, -1);
    return arg;
}

START_TEST(a_second_is_one_by_any_clock)
{
    struct profile *p;
    struct error e = {0};
    pthread_t t;
    int fd = memfd_create("delta", MFD_CLOEXEC);
    ck_assert_int_eq(cprof_start_capture(), 0);
    pthread_create(&t, NULL, set_clock_back, NULL);
    ck_assert_int_eq(cprof_write("block?seconds=1", fd), 0);
    pthread_join(t, NULL);
    cprof_stop();
    size_t len = (size_t)lseek(fd, 0, SEEK_END);
    void *bytes = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
    ck_assert_msg(profile_decode(bytes, len, 0, &p, &e) == 0, "%s", e.text);
    ck_assert_int_ge(p->duration_nanos, 1000000000);
    ck_assert_int_lt(p->duration_nanos, INT64_C(10000000000));
    profile_free(p);
    munmap(bytes, len);
    close(fd);
}
END_TEST

Suite *suite(void)
{
    const TTest *const tests[] = {return_addresses_are_decremented_and_the_leaf_is_not,
        a_return_address_past_the_end_belongs_to_the_caller, mappings_have_build_ids_and_say_what_is_named,
        an_address_without_a_name_shows_where_its_function_begins, types_periods_and_times_of_each_source,
        block_sizes_are_labels, labels_of_threads_come_first_and_by_key,
        lost_samples_and_the_source_are_comments, nothing_is_a_profile_too_and_zeros_are_nothing,
        equal_stacks_of_threads_are_counted_once, what_is_left_out_is_said, a_second_is_one_by_any_clock};
    return HARNESS_SUITE("convert", 30, tests);
}
