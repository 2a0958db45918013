#include "harness.h"

#include "gateway_profile.h"
#include "model/codec.h"
#include "sample_profile.h"
#include "ui/gather.h"
#include "variant_profile.h"
#include "view/combine.h"
#include "view/source_label.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Many sources as one profile: what comes out, and what it takes. */

enum { VARIANTS = 10, FEW = 10, MANY = 200 };

static char dir[] = "/tmp/pprof-test-XXXXXX";

static const char *path(const char *name, int n)
{
    static char paths[4][100];
    static unsigned next;
    char *text = paths[next++ % 4];
    snprintf(text, sizeof paths[0], "%s/%s%d", dir, name, n);
    return text;
}

static void write_profile(const char *file, const struct profile *p)
{
    struct buf bytes = {0};
    struct error e;
    ck_assert_int_eq(profile_encode(p, true, &bytes, &e), 0);
    FILE *f = fopen(file, "we");
    ck_assert(f && fwrite(bytes.data, 1, bytes.len, f) == bytes.len && fclose(f) == 0);
    buf_fini(&bytes);
}

static int gather(const char *const *files, int n, struct profile **out, struct error *e)
{
    const char *argv[MANY + 2] = {"pprof", "-top"};
    struct options o;
    memcpy(argv + 2, files, (size_t)n * sizeof *files);
    int code = options_parse(&o, n + 2, (char **)argv, e);
    if (!code)
        code = gather_profile(&o, NULL, out, e);
    options_fini(&o);
    return code;
}

#ifndef __SANITIZE_ADDRESS__ /* which keeps what was freed */
static long peak_kb(void)
{
    char line[200];
    long kb = 0;
    FILE *f = fopen("/proc/self/status", "re");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "VmHWM: %ld", &kb) == 1)
            break;
    if (f)
        fclose(f);
    return kb;
}

/* How much merging the n files takes, in a process of its own; *samples is what came out. */
static long memory_of(const char *const *files, int n, size_t *samples)
{
    int fds[2];
    struct {
        long kb;
        size_t samples;
    } answer = {0};
    ck_assert_int_eq(pipe(fds), 0);
    pid_t child = fork();
    if (child == 0) {
        struct profile *p;
        struct error e;
        long before = peak_kb();
        if (gather(files, n, &p, &e) == 0) {
            answer.kb = peak_kb() - before;
            answer.samples = p->samples.len;
        }
        _exit(write(fds[1], &answer, sizeof answer) != sizeof answer);
    }
    ck_assert_int_eq(read(fds[0], &answer, sizeof answer), sizeof answer);
    waitpid(child, NULL, 0);
    close(fds[0]);
    close(fds[1]);
    *samples = answer.samples;
    return answer.kb;
}

START_TEST(many_take_the_memory_of_few)
{
    const char *files[MANY];
    char names[VARIANTS][100];
    size_t few_samples, many_samples;
    for (int i = 0; i < VARIANTS; i++) {
        struct profile *p = variant_profile((unsigned)i);
        snprintf(names[i], sizeof names[i], "%s", path("variant", i));
        write_profile(names[i], p);
        profile_free(p);
    }
    for (int i = 0; i < MANY; i++)
        files[i] = names[i % VARIANTS];
    long few = memory_of(files, FEW, &few_samples), many = memory_of(files, MANY, &many_samples);
    ck_assert_uint_eq(few_samples, VARIANT_STACKS);
    ck_assert_uint_eq(many_samples, VARIANT_STACKS);
    ck_assert_int_gt(few, 1000);
    ck_assert_msg(many < 2 * few, "%d take %ld kB, %d take %ld kB", FEW, few, MANY, many);
}
END_TEST

#endif

/* ---- what comes out ---- */

static void expect_same(const struct profile *got, const struct profile *want)
{
    struct buf a = {0}, b = {0};
    struct error e;
    ck_assert_int_eq(profile_encode(got, false, &a, &e), 0);
    ck_assert_int_eq(profile_encode(want, false, &b, &e), 0);
    ck_assert_uint_eq(a.len, b.len);
    ck_assert_int_eq(memcmp(a.data, b.data, a.len), 0);
    buf_fini(&a);
    buf_fini(&b);
}

enum { MIXED = 5 };

/* Profiles of one program, of which the third is in milliseconds and the fourth has a type more. */
static void make_mixed(struct profile *profiles[MIXED])
{
    for (int i = 0; i < MIXED; i++) {
        profiles[i] = gateway_profile();
        profile_values(profiles[i], 1)[0] += i;
        if (i == 2)
            profiles[i]->sample_types.items[1].unit = profile_string(profiles[i], "milliseconds");
        if (i == 3)
            profiles[i]->sample_types.items[0].type = profile_string(profiles[i], "wakeups");
    }
}

START_TEST(unlike_ones_come_out_as_all_at_once)
{
    for (int n = 1; n <= MIXED; n++) {
        struct profile *profiles[MIXED], *got, *want;
        const char *files[MIXED];
        char names[MIXED][100];
        struct error e;
        make_mixed(profiles);
        for (int i = 0; i < MIXED; i++) {
            snprintf(names[i], sizeof names[i], "%s", path("mixed", i));
            write_profile(files[i] = names[i], profiles[i]);
        }
        ck_assert_msg(gather(files, n, &got, &e) == 0, "%s", e.text);
        ck_assert_int_eq(combine_profiles((const struct profile *const *)profiles, (size_t)n, &want, &e), 0);
        ck_assert_uint_eq(got->sample_types.len, n > 3 ? 1 : 2);
        expect_same(got, want);
        profile_free(got);
        profile_free(want);
        for (int i = 0; i < MIXED; i++)
            profile_free(profiles[i]);
    }
}
END_TEST

/* Beyond a chunk: each of them is there once. */
START_TEST(many_add_up)
{
    const char *files[MANY], *file = path("one", 0);
    struct profile *p = gateway_profile(), *got;
    struct error e;
    write_profile(file, p);
    for (int i = 0; i < MANY; i++)
        files[i] = file;
    ck_assert_msg(gather(files, MANY, &got, &e) == 0, "%s", e.text);
    int64_t want = 0, have = 0;
    for (size_t i = 0; i < p->samples.len; i++)
        want += profile_values(p, i)[1] * MANY;
    for (size_t i = 0; i < got->samples.len; i++)
        have += profile_values(got, i)[1];
    ck_assert_int_eq(have, want);
    ck_assert_int_eq(got->duration_nanos, p->duration_nanos * MANY);
    profile_free(got);
    profile_free(p);
}
END_TEST

/* A pipe gives its bytes once, also where they are needed twice. */
START_TEST(pipes_are_read_once)
{
    struct profile *profiles[MIXED], *got;
    const char *files[MIXED];
    char names[MIXED][100];
    struct error e;
    make_mixed(profiles);
    for (int i = 0; i < MIXED; i++) {
        snprintf(names[i], sizeof names[i], "%s", path("piped", i));
        files[i] = names[i];
        if (i == 0)
            ck_assert_int_eq(mkfifo(names[i], 0600), 0);
        else
            write_profile(names[i], profiles[i]);
    }
    pid_t child = fork();
    if (child == 0) {
        write_profile(names[0], profiles[0]);
        _exit(0);
    }
    ck_assert_msg(gather(files, MIXED, &got, &e) == 0, "%s", e.text);
    waitpid(child, NULL, 0);
    ck_assert_uint_eq(got->sample_types.len, 1);
    profile_free(got);
    for (int i = 0; i < MIXED; i++)
        profile_free(profiles[i]);
}
END_TEST

/* Standard error while it runs, as text. */
static char said[4000];

static int gather_and_listen(const char *const *files, int n, struct profile **out, struct error *e)
{
    const char *log = path("said", 0);
    int old = dup(STDERR_FILENO), fd = open(log, O_RDWR | O_CREAT | O_TRUNC, 0600);
    fflush(stderr);
    dup2(fd, STDERR_FILENO);
    int code = gather(files, n, out, e);
    fflush(stderr);
    dup2(old, STDERR_FILENO);
    ssize_t len = pread(fd, said, sizeof said - 1, 0);
    said[len > 0 ? len : 0] = '\0';
    close(fd);
    close(old);
    return code;
}

START_TEST(one_that_fails_is_named_once)
{
    struct profile *profiles[MIXED], *got;
    struct error e;
    make_mixed(profiles);
    char names[3][100];
    snprintf(names[0], sizeof names[0], "%s", path("whole", 0));
    snprintf(names[1], sizeof names[1], "%s/nosuch", dir);
    snprintf(names[2], sizeof names[2], "%s", path("whole", 1));
    write_profile(names[0], profiles[0]);
    write_profile(names[2], profiles[2]); /* not alike: all are read again */
    ck_assert_msg(gather_and_listen((const char *const[]){names[0], names[1], names[2]}, 3, &got, &e) == 0,
        "%s", e.text);
    char want[300];
    snprintf(
        want, sizeof want, "%s: No such file or directory\nFetched 2 source profiles out of 3\n", names[1]);
    ck_assert_str_eq(said, want);
    profile_free(got);
    ck_assert_int_eq(gather_and_listen((const char *const[]){names[1], names[1]}, 2, &got, &e), ERR_NOTFOUND);
    ck_assert_str_eq(e.text, "none of the 2 source profiles could be read");
    for (int i = 0; i < MIXED; i++)
        profile_free(profiles[i]);
}
END_TEST

/* ---- where samples are from ---- */

START_TEST(sources_have_names)
{
    static const struct {
        const char *address, *name;
    } cases[] = {{"http://127.0.0.1:7071/debug/pprof/profile?seconds=5", "127.0.0.1:7071"},
        {"https://me:secret@[::1]:6060/debug/pprof/heap", "[::1]:6060"}, {"http://host:1?x=/", "host:1"},
        {"http+unix://%2Frun%2fapp.sock/debug/pprof/heap", "app.sock"}, {"/var/folder/one.pb.gz", "one"},
        {"two.prof", "two"}, {"dir.d/.gz", ".gz"}, {"folder/", "folder/"}};
    char name[64], small[4];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        source_label_name(cases[i].address, name, sizeof name);
        ck_assert_str_eq(name, cases[i].name);
    }
    source_label_name("http://127.0.0.1:7071/", small, sizeof small);
    ck_assert_str_eq(small, "127");
}
END_TEST

/* In place of what was there of that key, beside all else; stacks and values are as they were. */
START_TEST(a_source_becomes_a_label)
{
    struct profile *p = sample_profile(), *got;
    ck_assert_int_eq(source_label_add(p, "zoo", "here", &got), 0);
    ck_assert_uint_eq(got->samples.len, p->samples.len);
    for (size_t i = 0; i < got->samples.len; i++) {
        const struct sample *s = &got->samples.items[i], *was = &p->samples.items[i];
        ck_assert_uint_eq(s->nlabels, i == 0 ? 3 : 1); /* ant, zoo, size; zoo */
        const struct label *l = &got->labels.items[s->first_label + (i == 0)];
        ck_assert_str_eq(l->key, "zoo");
        ck_assert_str_eq(l->str, "here");
        ck_assert_uint_eq(s->nlocs, was->nlocs);
        ck_assert_int_eq(profile_values(got, i)[1], profile_values(p, i)[1]);
    }
    profile_free(got);
    profile_free(p);
}
END_TEST

static void make_dir(void)
{
    ck_assert_ptr_nonnull(mkdtemp(dir));
    setenv("HOME", dir, 1);
}

static void remove_dir(void)
{
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", dir);
    ck_assert_int_eq(system(command), 0);
}

Suite *suite(void)
{
    Suite *s = suite_create("gather");
    TCase *c = tcase_create("gather");
    tcase_set_timeout(c, 60);
    tcase_add_checked_fixture(c, make_dir, remove_dir);
#ifndef __SANITIZE_ADDRESS__
    tcase_add_test(c, many_take_the_memory_of_few);
#endif
    tcase_add_test(c, unlike_ones_come_out_as_all_at_once);
    tcase_add_test(c, many_add_up);
    tcase_add_test(c, pipes_are_read_once);
    tcase_add_test(c, one_that_fails_is_named_once);
    tcase_add_test(c, sources_have_names);
    tcase_add_test(c, a_source_becomes_a_label);
    suite_add_tcase(s, c);
    return s;
}
