#include "harness.h"
#include "steps.h"

#include "capture/capture.h"
#include "capture/unwind.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <locale.h>
#include <microhttpd.h>
#include <netdb.h>
#include <pthread.h>
#include <regex.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/*
 * The unwinder's proof: through what programs do, instruction by instruction, it finds the stack that the
 * calls have made (see steps.h), where libgcc's finds it and where that does not. A run of its own takes the
 * first few thousand instructions of each piece of work, and seconds in all; with STEPS_ROUNDS=N, as `make
 * steps` has it, all instructions of N rounds, no two of them alike.
 */

#if defined(__x86_64__)

enum { FIRST = 12000 };

static int rounds(void)
{
    const char *n = getenv("STEPS_ROUNDS");
    return n ? atoi(n) : 0;
}

/* In the folder of this program. */
static void *load(const char *name, int flags)
{
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 64);
    path[n > 0 ? n : 0] = 0;
    char *slash = strrchr(path, '/');
    strcpy(slash ? slash + 1 : path, name);
    return dlopen(path, flags);
}

/* ---- libc ------------------------------------------------------------------------------------------------
 */

static volatile size_t used;

static int by_value(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static void sort_and_print(int round)
{
    char text[256];
    int numbers[24];
    for (int i = 0; i < 24; i++)
        numbers[i] = i * (7 + round) % 24;
    qsort(numbers, 24, sizeof numbers[0], by_value);
    snprintf(text, sizeof text, "%s %d %.3f %g %a %p %-20ls|", "text", 42, 3.25 * round, 1e-30 * round, 0.1,
        numbers, L"wide");
    strtod("2.5e300", NULL);
    strtod("0.1000000000000000055511151231257827", NULL);
    strtol("-123456", NULL, 0);
    sscanf("17 3.5 word", "%d %lf %20s", &numbers[0], &(double){0}, text);
}

static void match(int round)
{
    regex_t pattern;
    regmatch_t found[3];
    const char *const patterns[] = {"^(a|b)*c[0-9]+$", "[[:alpha:]]+@([a-z]+)\\.org", "(x+y)\\1"};
    ck_assert_int_eq(regcomp(&pattern, patterns[round % 3], REG_EXTENDED), 0);
    (void)regexec(&pattern, "ababc123", 3, found, 0);
    (void)regexec(&pattern, "someone@example.org", 3, found, 0);
    regfree(&pattern);
}

static void look_up(int round)
{
    char text[64], host[32];
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM}, *found;
    snprintf(host, sizeof host, "127.0.0.%d", round % 250 + 1);
    ck_assert_int_eq(getaddrinfo(host, "80", &hints, &found), 0);
    freeaddrinfo(found);
    time_t when = 1000000000 + round * 86400 * 30;
    struct tm broken;
    localtime_r(&when, &broken);
    strftime(text, sizeof text, "%A %c %Z", &broken);
    used = getenv("PATH") != NULL;
}

static void move_bytes(int round)
{
    static char from[20000], to[20000];
    for (size_t n = 1; n < sizeof to - 64; n = n * 3 + (size_t)round % 5) {
        memcpy(to + round % 7, from + n % 5, n);
        memmove(to + 3, to, n);
        memset(to + round % 3, round, n);
        used = (size_t)memcmp(to, from, n) + (size_t)memchr(from, 'x', n);
    }
    used = strlen(from) + (size_t)strstr(to, "needle") + (size_t)strcasecmp(from, to);
}

static void use_libc(void *n)
{
    for (int i = 0; i < *(int *)n; i++) {
        sort_and_print(i);
        match(i);
        look_up(i);
        move_bytes(i);
    }
}

static void ask_the_time(void *n)
{
    for (int i = 0; i < 20 * *(int *)n; i++) {
        struct timespec t;
        struct timeval v;
        clock_gettime(CLOCK_MONOTONIC, &t);
        clock_gettime(CLOCK_REALTIME_COARSE, &t);
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
        gettimeofday(&v, NULL);
        time(NULL);
        getcpu(NULL, NULL);
    }
}

/* ---- jemalloc ---------------------------------------------------------------------------------------------
 */

static void allocate(void *n)
{
    enum { CLASSES = 26 };
    for (int round = 0; round < *(int *)n; round++) {
        void *blocks[CLASSES];
        size_t size = 8 + (size_t)round % 8;
        for (int i = 0; i < CLASSES; i++, size += size * 2 / 5 + 1)
            blocks[i] = i % 3 ? malloc(size) : calloc(1, size);
        for (int i = 0; i < CLASSES; i++)
            blocks[i] = i % 4 ? blocks[i] : realloc(blocks[i], (size_t)i * 500 + 10);
        for (int i = 0; i < CLASSES; i++)
            free(blocks[(i * 7 + round) % CLASSES]);
        free(aligned_alloc(4096, 8192));
    }
}

/* Sampled, which has libgcc's unwinder walk inside malloc. From here on capture is on. */
static void sample_heap(void)
{
    struct capture_config config = {.heap_rate_bytes = 1 << 16};
    ck_assert_int_eq(capture_start(&config, NULL), 0);
}

/* ---- threads ----------------------------------------------------------------------------------------------
 */

struct turn {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool theirs;
};

static void *take_turn(void *arg)
{
    struct turn *t = arg;
    pthread_mutex_lock(&t->lock);
    t->theirs = true;
    pthread_cond_signal(&t->changed);
    pthread_mutex_unlock(&t->lock);
    pthread_exit(arg);
}

static void clean(void *arg)
{
    *(int *)arg += 1;
}

static void *wait_for_ever(void *arg)
{
    int cleaned = 0;
    pthread_cleanup_push(clean, &cleaned);
    sem_post(arg);
    for (;;)
        pause();
    pthread_cleanup_pop(1);
    return NULL;
}

/* They start with all signals blocked; one is cancelled, which unwinds it. */
static void start_threads(void *n)
{
    for (int i = 0; i < *(int *)n; i++) {
        struct turn t = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false};
        pthread_t one, other;
        sem_t ready;
        sem_init(&ready, 0, 0);
        pthread_create(&one, NULL, take_turn, &t);
        pthread_mutex_lock(&t.lock);
        while (!t.theirs)
            pthread_cond_wait(&t.changed, &t.lock);
        pthread_mutex_unlock(&t.lock);
        pthread_join(one, NULL);
        pthread_create(&other, NULL, wait_for_ever, &ready);
        sem_wait(&ready);
        pthread_cancel(other);
        pthread_join(other, NULL);
    }
}

/* What a cancellation needs is loaded with the first. */
static void load_unwinder(void)
{
    ck_assert_ptr_nonnull(dlopen("libgcc_s.so.1", RTLD_NOW));
}

static void spawn(void *n)
{
    for (int i = 0; i < *(int *)n; i++) {
        char *args[] = {(char *)"true", NULL}, *none[] = {NULL};
        pid_t pid;
        int status;
        ck_assert_int_eq(posix_spawn(&pid, "/bin/true", NULL, NULL, args, none), 0);
        waitpid(pid, &status, 0);
        pid = fork();
        if (pid == 0)
            _exit(0);
        waitpid(pid, &status, 0);
    }
}

/* ---- signals ----------------------------------------------------------------------------------------------
 */

static void on_signal(int number)
{
    int one = 1, two = 2;
    char text[64];
    int order[4] = {number, two, one, 0};
    qsort(order, 4, sizeof *order, by_value);
    snprintf(text, sizeof text, "%.2f", (double)number / 3);
    if (number == SIGUSR1)
        raise(SIGUSR2); /* on top */
}

static sigjmp_buf escape;

static volatile int *volatile nowhere = (volatile int *)16;

static void on_fault(int number)
{
    (void)number;
    siglongjmp(escape, 1);
}

static void take_signals(void *n)
{
    for (volatile int i = 0; i < *(int *)n; i++) {
        raise(SIGUSR1);
        qsort((int[]){3, 2, 1, 4}, 4, sizeof(int), by_value);
        if (!sigsetjmp(escape, 1))
            *nowhere = 1;
    }
}

static void handle(int number, void (*handler)(int), int flags)
{
    struct sigaction s = {.sa_handler = handler, .sa_flags = flags};
    sigaction(number, &s, NULL);
}

static void set_handlers(void)
{
    stack_t alternate = {
        .ss_sp = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
        .ss_size = 65536};
    ck_assert_int_eq(sigaltstack(&alternate, NULL), 0);
    handle(SIGUSR1, on_signal, SA_ONSTACK);
    handle(SIGUSR2, on_signal, 0);
    handle(SIGSEGV, on_fault, 0);
}

/* ---- the loader -------------------------------------------------------------------------------------------
 */

static void *lazy;

static double (*find_lazy(void))(int)
{
    double (*calls)(int);
    *(void **)&calls = dlsym(lazy, "lazy_calls");
    ck_assert_ptr_nonnull((void *)calls);
    return calls;
}

static void load_lazy(void)
{
    unsetenv("LD_BIND_NOW");
    lazy = load("lazy_calls.so", RTLD_LAZY | RTLD_LOCAL);
    ck_assert_msg(lazy != NULL, "%s", dlerror());
}

static void bind_lazily(void *n)
{
    double (*calls)(int) = find_lazy();
    calls(0); /* each bound by the loader */
    for (int i = 0; i < *(int *)n; i++)
        calls(i); /* and now called */
}

static void come_and_go(void *n)
{
    for (int i = 0; i < *(int *)n; i++) {
        dlclose(lazy);
        load_lazy();
        steps_refresh();
        find_lazy()(i);
        (void)dlsym(lazy, "no_such_name");
    }
}

/* ---- libmicrohttpd ----------------------------------------------------------------------------------------
 */

static enum MHD_Result answer(void *arg, struct MHD_Connection *c, const char *url, const char *method,
    const char *version, const char *data, size_t *size, void **state)
{
    (void)arg, (void)url, (void)method, (void)version, (void)data, (void)size;
    if (!*state) {
        *state = c;
        return MHD_YES;
    }
    MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, "seconds");
    struct MHD_Response *r = MHD_create_response_from_buffer(5, (void *)"hello", MHD_RESPMEM_PERSISTENT);
    MHD_add_response_header(r, "Content-Type", "text/plain");
    enum MHD_Result queued = MHD_queue_response(c, 200, r);
    MHD_destroy_response(r);
    return queued;
}

static void request_once(struct MHD_Daemon *d, int round)
{
    char text[1024];
    struct sockaddr_in to = {.sin_family = AF_INET,
        .sin_port = htons(MHD_get_daemon_info(d, MHD_DAEMON_INFO_BIND_PORT)->port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), n;
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    n = snprintf(text, sizeof text,
        "GET /a%%20path?seconds=%d&x=%%41 HTTP/1.1\r\nHost: a\r\nCookie: k=v\r\n\r\n", round);
    ck_assert_int_eq(write(fd, text, (size_t)n), n);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    for (ssize_t got = -1; got <= 0;) {
        fd_set read_set, write_set, except_set;
        int max = 0;
        FD_ZERO(&read_set);
        FD_ZERO(&write_set);
        FD_ZERO(&except_set);
        MHD_get_fdset(d, &read_set, &write_set, &except_set, &max);
        select(max + 1, &read_set, &write_set, &except_set, &(struct timeval){0, 10000});
        MHD_run_from_select(d, &read_set, &write_set, &except_set);
        got = read(fd, text, sizeof text);
        ck_assert(got != 0);
    }
    close(fd);
    MHD_run(d);
}

static void serve(void *n)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct MHD_Daemon *d = MHD_start_daemon(
        MHD_NO_FLAG, 0, NULL, NULL, answer, NULL, MHD_OPTION_SOCK_ADDR, &any, MHD_OPTION_END);
    ck_assert_ptr_nonnull(d);
    enum { REQUESTS = 8 };
    for (int i = 0; i < REQUESTS * *(int *)n; i++)
        request_once(d, i);
    MHD_stop_daemon(d);
}

/* ---- exceptions -------------------------------------------------------------------------------------------
 */

static int (*throws)(int depth);

static void throw_and_catch(void *n)
{
    for (int i = 0; throws && i < *(int *)n; i++)
        ck_assert_int_eq(throws(i % 5), 2);
}

static void load_throws(void)
{
    void *object = load("throws.so", RTLD_NOW);
    if (object)
        *(void **)&throws = dlsym(object, "throws");
    else
        printf("exceptions: skipped, throws.so was not built: %s\n", dlerror());
}

/* ---- the proof --------------------------------------------------------------------------------------------
 */

static const struct piece {
    const char *name;
    void (*prepare)(void);
    void (*work)(void *rounds);
} pieces[] = {
    {"libc", NULL, use_libc},
    {"vDSO", NULL, ask_the_time},
    {"jemalloc", NULL, allocate},
    {"jemalloc, sampled", sample_heap, allocate},
    {"threads", load_unwinder, start_threads},
    {"processes", NULL, spawn},
    {"signal handlers", set_handlers, take_signals},
    {"lazy binding", load_lazy, bind_lazily},
    {"dlopen, dlclose", NULL, come_and_go},
    {"libmicrohttpd", NULL, serve},
    {"exceptions", load_throws, throw_and_catch},
};

static const char *whose(const struct steps_difference *d)
{
    return d->calls_frame < 0 ? "libgcc's is wrong" : d->on_the_way ? "on the way" : "ours is wrong";
}

static void print_differences(const struct steps_report *r, bool all)
{
    for (int i = 0; i < r->ndifferences; i++) {
        const struct steps_difference *d = &r->differences[i];
        Dl_info at = {0};
        if (!all && d->calls_frame < 0)
            continue;
        dladdr((void *)d->at, &at);
        const char *file = at.dli_fname ? strrchr(at.dli_fname, '/') : NULL;
        printf("    %s+0x%zx %s, %ld times, %s, frame %d: ours %#zx, libgcc %#zx, the call %#zx\n",
            file ? file + 1 : "?", (size_t)(d->at - (uintptr_t)at.dli_fbase),
            at.dli_sname ? at.dli_sname : "", d->times, whose(d),
            d->calls_frame >= 0 ? d->calls_frame : d->libgcc_frame, (size_t)d->ours, (size_t)d->libgcc,
            (size_t)d->call);
    }
}

/* Whether it could be done here. */
static bool step_through(const struct piece *p, struct steps_report *sum)
{
    static struct steps_report r;
    int n = rounds() ? rounds() : 1;
    if (p->prepare)
        p->prepare();
    ck_assert_int_eq(unwind_refresh(), 0);
    int code = steps_run(p->work, &n, rounds() ? LONG_MAX : FIRST, &r);
    if (code == -EPERM || code == -EACCES || code == -ENOSYS) {
        printf("skipped: tracing is not allowed here: %s\n", strerror(-code));
        return false;
    }
    ck_assert_int_eq(code, 0);
    printf(
        "%s: %ld instructions in %d threads, up to %ld frames; %ld wrong, %ld on the way, of libgcc's %ld\n",
        p->name, r.instructions, r.threads, r.deepest, r.wrong, r.on_the_way, r.libgcc_wrong);
    print_differences(&r, getenv("STEPS_VERBOSE") != NULL);
    fflush(stdout);
    ck_assert_int_ge(r.instructions, 500);
    sum->instructions += r.instructions;
    sum->wrong += r.wrong;
    sum->on_the_way += r.on_the_way;
    sum->libgcc_wrong += r.libgcc_wrong;
    return true;
}

/* At most one in ten thousand may be wrong. Those there are: the last two instructions of a longjmp and the
 * last of a throw, which have another stack already, and some in the procedure linkage of code that is about
 * to be unmapped. */
START_TEST(test_every_instruction)
{
    struct steps_report sum = {0};
    setlocale(LC_ALL, "");
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
        if (!step_through(&pieces[i], &sum))
            return;
    printf(
        "%ld instructions stepped: %ld differ; %ld more while a frame was being replaced; of libgcc's %ld\n",
        sum.instructions, sum.wrong, sum.on_the_way, sum.libgcc_wrong);
    fflush(stdout);
    ck_assert_int_le(sum.wrong * 10000, sum.instructions);
}
END_TEST

#endif

Suite *suite(void)
{
    const TTest *const tests[] = {
#if defined(__x86_64__)
        test_every_instruction,
#endif
    };
    return HARNESS_SUITE("unwind_steps", rounds() ? 3000 : 60, tests);
}
