#include "crowd.h"
#include "spread.h"

#include "base/clock.h"
#include "capture/wall.h"
#include "cprof.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/*
 * How long a dump of 2,300 parked threads takes, over HTTP, from the request's first byte to the reply's
 * last: ours, and beside it, where they are installed, Go's of as many goroutines (goroutines.go) and
 * eu-stack's of the same threads. Sending, parsing, receiving are in our time and in Go's.
 *
 *     cold  the first one, which has the names still to find
 *     anew  a second and more after the one before: every thread is read
 *     warm  at once after the one before
 *
 * Then the wall profile's sampler on the same threads: what rate it reaches, and what of a core it takes.
 *
 *     threads_dump [THREADS [ROUNDS [GO_PROGRAM]]]
 *
 * Prints "NAME_cold MS", "NAME_anew" and "NAME_warm" with LEAST MEDIAN LOW HIGH in ms, the same with _cpu for
 * the CPU time of this process, which asks and, but for Go's, answers, and "NAME_bytes N", for threads,
 * goroutine (debug=2), grouped (debug=1), profile, and go; what the wall profile says of itself;
 * "switches N", of the parked threads meanwhile; "ended_early N", waits that a dump ended; and of eu-stack
 * "eu_stack MS" and "eu_stack_ended_early N".
 */

enum { DEPTH = 6 };

static int dial(int port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    a.sin_port = htons((uint16_t)port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&a, sizeof a) != 0) {
        perror("connect");
        exit(2);
    }
    return fd;
}

static double fetch_ms(int port, const char *path, size_t *bytes)
{
    static char chunk[1 << 20];
    char text[256];
    int fd = dial(port);
    int len =
        snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n", path);
    int64_t before = clock_monotonic_ns();
    ssize_t n = send(fd, text, (size_t)len, MSG_NOSIGNAL);
    for (*bytes = 0; n > 0 && (n = recv(fd, chunk, sizeof chunk, 0)) > 0;)
        *bytes += (size_t)n;
    double ms = (double)(clock_monotonic_ns() - before) / 1e6;
    close(fd);
    if (*bytes < 1000) {
        fprintf(stderr, "%s: no dump\n", path);
        exit(2);
    }
    return ms;
}

static void print_spread(const char *name, const char *what, double *ms, int n)
{
    char full[64];
    snprintf(full, sizeof full, "%s_%s", name, what);
    spread_print(full, spread_of(ms, n));
}

struct took {
    double ms[1000], cpu_ms[1000];
    int n;
};

static size_t fetch_once_more(struct took *t, int port, const char *path)
{
    size_t bytes;
    int64_t before = clock_read_ns(CLOCK_PROCESS_CPUTIME_ID);
    t->ms[t->n] = fetch_ms(port, path, &bytes);
    t->cpu_ms[t->n++] = (double)(clock_read_ns(CLOCK_PROCESS_CPUTIME_ID) - before) / 1e6;
    return bytes;
}

static void measure(const char *name, int port, const char *path, int rounds)
{
    enum { ANEW = 9 };
    static struct took anew, warm;
    size_t bytes;
    anew.n = warm.n = 0;
    printf("%s_cold %.1f\n", name, fetch_ms(port, path, &bytes));
    for (int i = 0; i < ANEW; i++) {
        usleep(1100000);
        fetch_once_more(&anew, port, path);
    }
    for (int i = 0; i < rounds; i++)
        bytes = fetch_once_more(&warm, port, path);
    print_spread(name, "anew", anew.ms, anew.n);
    print_spread(name, "anew_cpu", anew.cpu_ms, anew.n);
    print_spread(name, "warm", warm.ms, warm.n);
    print_spread(name, "warm_cpu", warm.cpu_ms, warm.n);
    printf("%s_bytes %zu\n", name, bytes);
}

static void measure_wall(int hz)
{
    struct wall_session *session;
    struct snapshot found;
    if (wall_session_start(hz, &session) != 0)
        exit(2);
    for (int64_t until = clock_monotonic_ns() + 3000000000; clock_monotonic_ns() < until;) {
        int64_t wait = wall_session_sample(session);
        struct timespec t = {wait / 1000000000, wait % 1000000000};
        nanosleep(&t, NULL);
    }
    if (wall_session_stop(session, &found) != 0)
        exit(2);
    printf("%s\n", found.source);
    snapshot_fini(&found);
}

static void measure_go(const char *program, int threads, int rounds)
{
    char command[512];
    int port = 0;
    size_t bytes;
    snprintf(command, sizeof command, "exec %s %d %d", program, threads, DEPTH);
    FILE *go = popen(command, "r");
    if (!go || fscanf(go, "127.0.0.1:%d", &port) != 1) {
        fprintf(stderr, "%s did not start\n", program);
        exit(2);
    }
    measure("go", port, "/debug/pprof/goroutine?debug=2", rounds);
    fetch_ms(port, "/quit?and=so&it=ends", &bytes);
    pclose(go);
}

static void measure_eu_stack(void)
{
    char command[128];
    if (system("command -v eu-stack >/dev/null") != 0)
        return;
    double best = 1e9;
    snprintf(command, sizeof command, "eu-stack -p %d >/dev/null 2>&1", (int)getpid());
    for (int i = 0; i < 3; i++) {
        int64_t before = clock_monotonic_ns();
        if (system(command) < 0)
            return;
        double ms = (double)(clock_monotonic_ns() - before) / 1e6;
        best = ms < best ? ms : best;
    }
    printf("eu_stack %.1f\n", best);
}

int main(int argc, char **argv)
{
    int threads = argc > 1 ? atoi(argv[1]) : 2300, rounds = argc > 2 ? atoi(argv[2]) : 40;
    if (threads < 1 || rounds < 1 || rounds > 1000 || cprof_start("127.0.0.1:0") != 0)
        return 2;
    crowd_start(threads, DEPTH);
    crowd_settle();
    int port = atoi(strrchr(cprof_address(), ':') + 1);
    int64_t before = crowd_switches();
    measure("threads", port, "/debug/pprof/threads?debug=2", rounds);
    measure("goroutine", port, "/debug/pprof/goroutine?debug=2", rounds);
    measure("grouped", port, "/debug/pprof/threads?debug=1", rounds);
    measure("profile", port, "/debug/pprof/threads", rounds);
    measure_wall(WALL_DEFAULT_HZ);
    measure_wall(WALL_MAX_HZ);
    int ended_early = crowd_disturbed();
    printf("switches %lld\nended_early %d\n", (long long)(crowd_switches() - before), ended_early);
    fflush(stdout);
    measure_eu_stack();
    printf("eu_stack_ended_early %d\n", crowd_disturbed() - ended_early);
    fflush(stdout);
    if (argc > 3)
        measure_go(argv[3], threads, rounds);
    crowd_release();
    return ended_early != 0;
}
