#include "cprof.h"

#include "base/buf.h"
#include "export/endpoints.h"
#include "harness.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

/* What is written for a profile, NUL-terminated and the caller's to free. */
static char *written(const char *profile, size_t *len)
{
    int fd = memfd_create("profile", MFD_CLOEXEC), code = cprof_write(profile, fd);
    ck_assert_msg(code == 0, "%s: %s", profile, cprof_strerror(code));
    off_t size = lseek(fd, 0, SEEK_END);
    char *bytes = calloc(1, (size_t)size + 1);
    ck_assert_int_eq(pread(fd, bytes, (size_t)size, 0), size);
    close(fd);
    if (len)
        *len = (size_t)size;
    return bytes;
}

static void expect_text(const char *profile, const char *wanted, const char *unwanted)
{
    char *text = written(profile, NULL);
    if (wanted)
        ck_assert_msg(strstr(text, wanted), "%s lacks %s:\n%.3000s", profile, wanted, text);
    if (unwanted)
        ck_assert_msg(!strstr(text, unwanted), "%s has %s:\n%.3000s", profile, unwanted, text);
    free(text);
}

static void capture(void)
{
    ck_assert_int_eq(cprof_start_capture(), 0);
    ck_assert_str_eq(cprof_address(), "");
}

static int try_write(const char *profile)
{
    int fd = memfd_create("profile", MFD_CLOEXEC), code = cprof_write(profile, fd);
    if (code)
        ck_assert_int_eq(lseek(fd, 0, SEEK_END), 0);
    close(fd);
    return code;
}

/* ---- what is written ------------------------------------------------------------------------------------
 */

START_TEST(every_profile_without_a_server)
{
    static const char *const binary[] = {"heap", "allocs", "threads", "goroutine", "threadcreate", "mutex",
        "block", "profile?seconds=1&hz=50", "heap?seconds=1", "heap?gc=1"};
    size_t len;
    capture();
    for (size_t i = 0; i < sizeof binary / sizeof *binary; i++) {
        char *bytes = written(binary[i], &len);
        ck_assert_msg(len > 20 && memcmp(bytes, "\x1f\x8b", 2) == 0, "%s is not gzip", binary[i]);
        free(bytes);
    }
    expect_text("heap?debug=1", "heap profile: ", NULL);
    expect_text("goroutine?debug=1", "goroutine profile: total 1\n", NULL);
    expect_text("mutex?debug=1", "--- mutex:\n", NULL);
    expect_text("symbol", "num_symbols: 1\n", NULL);
    expect_text("", "<a href=\"heap?debug=1\">", NULL);
    cprof_stop();
}
END_TEST

static pthread_mutex_t contended = PTHREAD_MUTEX_INITIALIZER;

static __attribute__((noinline)) void *wait_for_the_lock(void *unused)
{
    pthread_mutex_lock(&contended);
    pthread_mutex_unlock(&contended);
    return unused;
}

static __attribute__((noinline)) void keep_the_lock(int ms)
{
    pthread_t waiter;
    pthread_mutex_lock(&contended);
    ck_assert_int_eq(pthread_create(&waiter, NULL, wait_for_the_lock, NULL), 0);
    usleep((useconds_t)ms * 1000);
    pthread_mutex_unlock(&contended);
    ck_assert_int_eq(pthread_join(waiter, NULL), 0);
}

/* Who keeps others waiting is in mutex, who waits in block, and neither in the other. */
START_TEST(holders_and_waiters_have_a_profile_each)
{
    setenv("CPROF_MUTEX_FRACTION", "1", 1);
    setenv("CPROF_BLOCK_RATE", "1", 1);
    capture();
    keep_the_lock(50);
    expect_text("mutex?debug=1", "keep_the_lock", "wait_for_the_lock");
    expect_text("block?debug=1", "wait_for_the_lock", NULL);
    cprof_stop();
}
END_TEST

static void *volatile kept;

static __attribute__((noinline)) void keep_a_megabyte(void)
{
    kept = malloc(1 << 20);
}

static __attribute__((noinline)) void write_at_exit(int fd)
{
    if (cprof_write("heap?debug=1", fd))
        _exit(3);
}

START_TEST(a_heap_profile_at_exit)
{
    int pipes[2];
    struct buf text = {0};
    char chunk[4096];
    ssize_t n;
    setenv("CPROF_HEAP_RATE", "1", 1);
    ck_assert_int_eq(pipe(pipes), 0);
    pid_t child = fork();
    if (child == 0) {
        close(pipes[0]);
        if (cprof_start_capture())
            _exit(2);
        keep_a_megabyte();
        write_at_exit(pipes[1]);
        exit(0);
    }
    close(pipes[1]);
    while ((n = read(pipes[0], chunk, sizeof chunk)) > 0)
        buf_append(&text, chunk, (size_t)n);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_msg(strstr(text.data, "keep_a_megabyte+"), "%s", text.data);
    buf_fini(&text);
}
END_TEST

/* At these rates every allocation and every wait is recorded: none may be what writing does. The caller is
 * one of the program's threads, and is shown. */
START_TEST(what_it_does_is_in_no_profile)
{
    setenv("CPROF_HEAP_RATE", "1", 1);
    setenv("CPROF_BLOCK_RATE", "1", 1);
    setenv("CPROF_MUTEX_FRACTION", "1", 1);
    capture();
    keep_a_megabyte();
    free(written("profile?seconds=1", NULL));
    free(written("heap", NULL));
    static const char *const own[] = {"cprof_write", "direct_", "endpoints_", "/profiler/"};
    static const char *const profiles[] = {
        "heap?debug=1", "block?debug=1", "mutex?debug=1", "threadcreate?debug=1"};
    for (size_t i = 0; i < sizeof profiles / sizeof *profiles; i++)
        for (size_t k = 0; k < sizeof own / sizeof *own; k++)
            expect_text(profiles[i], i == 0 ? "keep_a_megabyte+" : NULL, own[k]);
    expect_text("threads?debug=2", "what_it_does_is_in_no_profile_fn(...)", "cprof-");
    expect_text("threads?debug=1", "threads profile: total 1\n", "endpoints_serve");
    cprof_stop();
}
END_TEST

/* ---- descriptors ----------------------------------------------------------------------------------------
 */

static void *read_slowly(void *arg)
{
    struct buf *into = calloc(1, sizeof *into);
    char chunk[100];
    ssize_t n;
    int fd = *(int *)arg;
    while ((n = read(fd, chunk, sizeof chunk)) > 0) {
        buf_append(into, chunk, (size_t)n);
        usleep(200);
    }
    close(fd);
    return into;
}

static void ignore(int sig)
{
    (void)sig;
}

/* Through a pipe of one page, non-blocking or interrupted by signals all the time: all of it comes out, and
 * in order. */
static void write_through_a_pipe(const char *profile, int flags, struct buf *got)
{
    int pipes[2];
    pthread_t reader;
    void *buf;
    struct sigaction interrupt = {.sa_handler = ignore};
    struct itimerval often = {{0, 500}, {0, 500}}, never = {{0, 0}, {0, 0}};
    sigset_t alarm;
    ck_assert_int_eq(pipe2(pipes, flags), 0);
    fcntl(pipes[0], F_SETFL, 0);
    fcntl(pipes[1], F_SETPIPE_SZ, 4096);
    sigaction(SIGALRM, &interrupt, NULL);
    sigemptyset(&alarm);
    sigaddset(&alarm, SIGALRM);
    pthread_sigmask(SIG_BLOCK, &alarm, NULL);
    ck_assert_int_eq(pthread_create(&reader, NULL, read_slowly, &pipes[0]), 0);
    pthread_sigmask(SIG_UNBLOCK, &alarm, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    int code = cprof_write(profile, pipes[1]);
    setitimer(ITIMER_REAL, &never, NULL);
    close(pipes[1]);
    pthread_join(reader, &buf);
    ck_assert_int_eq(code, 0);
    *got = *(struct buf *)buf;
    free(buf);
}

START_TEST(all_of_it_is_written)
{
    struct buf profile = {0}, wanted = {0}, got;
    buf_puts(&profile, "symbol?");
    buf_puts(&wanted, "num_symbols: 1\n");
    for (uintptr_t i = 0; i < 2000; i++) {
        uintptr_t at = (uintptr_t)suite + i % 16;
        buf_printf(&profile, "0x%lx+", at);
        buf_printf(&wanted, "0x%lx suite\n", at);
    }
    capture();
    for (int nonblocking = 0; nonblocking < 2; nonblocking++) {
        write_through_a_pipe(profile.data, nonblocking ? O_NONBLOCK : 0, &got);
        ck_assert_uint_eq(got.len, wanted.len);
        ck_assert_str_eq(got.data, wanted.data);
        buf_fini(&got);
    }
    cprof_stop();
    buf_fini(&profile);
    buf_fini(&wanted);
}
END_TEST

START_TEST(a_descriptor_that_takes_nothing)
{
    int pipes[2], in = open("/dev/null", O_RDONLY), full = open("/dev/full", O_WRONLY);
    sigset_t pending;
    capture();
    errno = 0;
    ck_assert_int_eq(cprof_write("cmdline", -1), CPROF_EIO);
    ck_assert_int_eq(errno, EBADF);
    ck_assert_int_eq(cprof_write("cmdline", in), CPROF_EIO);
    ck_assert_int_eq(errno, EBADF);
    ck_assert_int_eq(cprof_write("cmdline", full), CPROF_EIO);
    ck_assert_int_eq(errno, ENOSPC);
    ck_assert_int_eq(pipe(pipes), 0);
    close(pipes[0]);
    ck_assert_int_eq(cprof_write("cmdline", pipes[1]), CPROF_EIO); /* and no SIGPIPE */
    ck_assert_int_eq(errno, EPIPE);
    ck_assert_int_eq(sigpending(&pending), 0);
    ck_assert(!sigismember(&pending, SIGPIPE));
    errno = 17;
    free(written("cmdline", NULL));
    ck_assert_int_eq(cprof_write("nope", pipes[1]), CPROF_ENOTFOUND);
    ck_assert_int_eq(errno, 17);
    cprof_stop();
}
END_TEST

/* ---- codes ----------------------------------------------------------------------------------------------
 */

START_TEST(each_failure_has_its_code)
{
    char long_name[200];
    memset(long_name, 'a', sizeof long_name);
    long_name[sizeof long_name - 1] = '\0';
    ck_assert_int_eq(try_write("heap"), CPROF_EOFF);
    ck_assert_str_eq(cprof_strerror(CPROF_EOFF), "not started");
    capture();
    static const struct {
        const char *profile;
        int code;
    } bad[] = {{"nope", CPROF_ENOTFOUND}, {"/debug/pprof/heap", CPROF_ENOTFOUND}, {"heap/", CPROF_ENOTFOUND},
        {"../../etc/passwd", CPROF_ENOTFOUND}, {"heap?seconds=0", CPROF_EINVALID},
        {"heap?seconds=3601", CPROF_EINVALID}, {"profile?seconds=3601", CPROF_EINVALID},
        {"profile?seconds=1&hz=0", CPROF_EINVALID}, {"heap?seconds=1&debug=1", CPROF_EINVALID}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(try_write(bad[i].profile) == bad[i].code, "%s", bad[i].profile);
    ck_assert_int_eq(try_write(long_name), CPROF_ENOTFOUND);
    ck_assert_int_eq(try_write(NULL), CPROF_EINVALID);
    struct sigaction own = {.sa_handler = ignore};
    sigaction(SIGPROF, &own, NULL);
    ck_assert_int_eq(try_write("profile?seconds=1"), CPROF_EBUSY);
    cprof_stop();
    ck_assert_int_eq(try_write("heap"), CPROF_EOFF);
}
END_TEST

static void *write_for_an_hour(void *arg)
{
    int *code = arg;
    do /* whoever counts them takes a place for a moment, too */
        *code = try_write("mutex?seconds=3600");
    while (*code == CPROF_ELIMIT);
    return NULL;
}

/* As many as there is room for, one too many, and all of them end with cprof_stop. */
START_TEST(sixteen_at_once_and_stopped)
{
    pthread_t ids[ENDPOINTS_MAX_REQUESTS];
    int codes[ENDPOINTS_MAX_REQUESTS], code = 0;
    capture();
    for (int i = 0; i < ENDPOINTS_MAX_REQUESTS; i++)
        ck_assert_int_eq(pthread_create(&ids[i], NULL, write_for_an_hour, &codes[i]), 0);
    for (int tries = 0; tries < 1000 && code != CPROF_ELIMIT; tries++) {
        code = try_write("cmdline");
        usleep(1000);
    }
    ck_assert_int_eq(code, CPROF_ELIMIT);
    cprof_stop(); /* the watchdog ends this test if it waits */
    for (int i = 0; i < ENDPOINTS_MAX_REQUESTS; i++) {
        pthread_join(ids[i], NULL);
        ck_assert_int_eq(codes[i], CPROF_ECANCELLED);
    }
}
END_TEST

/* ---- beside the server, and in children -----------------------------------------------------------------
 */

START_TEST(serving_may_come_later)
{
    capture();
    ck_assert_int_eq(cprof_start_capture(), CPROF_EBUSY);
    setenv("CPROF_ALLOW_REMOTE", "1", 1); /* too late: there was no token when capture began */
    setenv("CPROF_TOKEN", "s3cret", 1);
    ck_assert_int_eq(cprof_start("0.0.0.0:0"), CPROF_EDENIED);
    ck_assert_int_eq(try_write("heap"), 0);
    ck_assert_int_eq(cprof_start("127.0.0.1:0"), 0);
    ck_assert_int_eq(strncmp(cprof_address(), "127.0.0.1:", 10), 0);
    ck_assert_int_eq(cprof_start_capture(), CPROF_EBUSY);
    ck_assert_int_eq(cprof_start("127.0.0.1:0"), CPROF_EBUSY);
    ck_assert_int_eq(try_write("heap"), 0);
    cprof_stop();
    ck_assert_str_eq(cprof_address(), "");
    ck_assert_int_eq(try_write("heap"), CPROF_EOFF);
    unsetenv("CPROF_ALLOW_REMOTE");
    ck_assert_int_eq(cprof_start("127.0.0.1:0"), 0);
    ck_assert_int_eq(try_write("heap"), 0);
    cprof_stop();
    setenv("CPROF_HEAP_RATE", "x", 1);
    ck_assert_int_eq(cprof_start_capture(), CPROF_EINVALID);
    ck_assert_int_eq(try_write("heap"), CPROF_EOFF);
}
END_TEST

static int in_child(void)
{
    pid_t child = fork();
    if (child == 0) {
        int code = try_write("threads");
        if (code == CPROF_EOFF && cprof_start_capture() == 0 && try_write("threads") == 0)
            _exit(1); /* off, and it could be started */
        _exit(code ? 2 : 0);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

START_TEST(children_capture_when_told)
{
    capture();
    ck_assert_int_eq(in_child(), 1);
    ck_assert_int_eq(try_write("heap"), 0);
    cprof_stop();
    setenv("CPROF_FORK", "1", 1);
    capture();
    ck_assert_int_eq(in_child(), 0);
    cprof_stop();
}
END_TEST

/* ---- fork while the loader's lock is ours
 * -------------------------------------------------------------------
 */

static atomic_bool is_slow;
static int (*visit_now)(struct dl_phdr_info *, size_t, void *);
static __thread bool has_slept;

static int visit_slowly(struct dl_phdr_info *info, size_t size, void *arg)
{
    if (is_slow && !has_slept)
        usleep(2000);
    has_slept = true;
    return visit_now(info, size, arg);
}

/* In the place of libc's for all that is linked into this program: one walk at a time is slow, when that is
 * wanted. */
int dl_iterate_phdr(int (*visit)(struct dl_phdr_info *, size_t, void *), void *arg)
{
    static int (*real)(int (*)(struct dl_phdr_info *, size_t, void *), void *);
    if (!real)
        real = (int (*)(int (*)(struct dl_phdr_info *, size_t, void *), void *))dlsym(
            RTLD_NEXT, "dl_iterate_phdr");
    if (!is_slow)
        return real(visit, arg);
    visit_now =
        visit; /* only one thread walks in the test that is slow, but for what capture guards itself */
    has_slept = false;
    return real(visit_slowly, arg);
}

static void *write_on(void *stop)
{
    while (!*(atomic_bool *)stop)
        try_write("threads");
    return NULL;
}

static atomic_bool is_inside, may_leave;

static int stay(struct dl_phdr_info *info, size_t size, void *arg)
{
    (void)info, (void)size, (void)arg;
    is_inside = true;
    while (!may_leave)
        usleep(1000);
    return 1;
}

static void *list_objects(void *arg)
{
    dl_iterate_phdr(stay, NULL);
    return arg;
}

/* Another thread of the program's has the loader's lock: here, and in the child for ever. What asks for a
 * profile gets it, with names, and comes back. */
static int profile_in_child(void)
{
    alarm(20);
    if (cprof_start_capture() || try_write("profile?seconds=1") || try_write("heap"))
        return 1;
    char *text = written("threads?debug=2", NULL);
    return strstr(text, "profile_in_child") ? 0 : 2;
}

START_TEST(a_child_of_a_busy_loader_is_profiled)
{
    pthread_t other;
    int status;
    capture();
    pthread_create(&other, NULL, list_objects, NULL);
    while (!is_inside)
        usleep(1000);
    pid_t child = fork();
    if (child == 0)
        _exit(profile_in_child());
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    may_leave = true;
    pthread_join(other, NULL);
    ck_assert_msg(status == 0, "it ends with %#x", (unsigned)status);
    cprof_stop();
}
END_TEST

START_TEST(a_child_can_load_libraries)
{
    atomic_bool stop = false;
    pthread_t writer;
    capture();
    ck_assert_int_eq(try_write("threads"), 0);
    is_slow = true;
    pthread_create(&writer, NULL, write_on, &stop);
    for (int i = 0; i < 20; i++) {
        pid_t child = fork();
        if (child == 0) {
            is_slow = false;
            alarm(5);
            _exit(dlopen("libBrokenLocale.so.1", RTLD_NOW) ? 0 : 1);
        }
        int status;
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_msg(status == 0, "child %d ends with %#x", i, status);
        usleep(500);
    }
    stop = true;
    pthread_join(writer, NULL);
    cprof_stop();
}
END_TEST

Suite *suite(void)
{
    const TTest *const tests[] = {every_profile_without_a_server, holders_and_waiters_have_a_profile_each,
        a_heap_profile_at_exit, what_it_does_is_in_no_profile, all_of_it_is_written,
        a_descriptor_that_takes_nothing, each_failure_has_its_code, sixteen_at_once_and_stopped,
        serving_may_come_later, children_capture_when_told, a_child_of_a_busy_loader_is_profiled,
        a_child_can_load_libraries};
    return HARNESS_SUITE("direct", 30, tests);
}
