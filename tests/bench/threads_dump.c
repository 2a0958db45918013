#include "crowd.h"

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
 */

enum { DEPTH = 6 };

struct times {
    double cold_ms, anew_ms, best_ms, median_ms;
    size_t bytes;
};

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

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *ms, int n)
{
    qsort(ms, (size_t)n, sizeof *ms, ascending);
    return ms[n / 2];
}

static struct times measure(int port, const char *path, int rounds)
{
    enum { ANEW = 5 };
    struct times t;
    double *ms = calloc((size_t)rounds + ANEW, sizeof *ms);
    t.cold_ms = fetch_ms(port, path, &t.bytes);
    for (int i = 0; i < ANEW; i++) {
        usleep(1100000);
        ms[i] = fetch_ms(port, path, &t.bytes);
    }
    t.anew_ms = median(ms, ANEW);
    for (int i = 0; i < rounds; i++)
        ms[i] = fetch_ms(port, path, &t.bytes);
    t.median_ms = median(ms, rounds);
    t.best_ms = ms[0];
    free(ms);
    return t;
}

static void report(const char *what, struct times t)
{
    printf("%-28s cold %6.1f ms  anew %5.1f ms  warm %5.1f ms (best %4.1f)  %zu bytes\n", what, t.cold_ms,
        t.anew_ms, t.median_ms, t.best_ms, t.bytes);
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
    printf("wall profile, the same threads: %s\n", found.source);
    snapshot_fini(&found);
}

static void measure_go(const char *program, int threads, int rounds)
{
    char command[512];
    int port = 0;
    if (access(program, X_OK) != 0) {
        puts("Go: skipped, there is no go here");
        return;
    }
    snprintf(command, sizeof command, "exec %s %d %d", program, threads, DEPTH);
    FILE *go = popen(command, "r");
    if (!go || fscanf(go, "127.0.0.1:%d", &port) != 1) {
        puts("Go: failed, it did not start");
        return;
    }
    report("Go, goroutine?debug=2", measure(port, "/debug/pprof/goroutine?debug=2", rounds));
    size_t bytes;
    fetch_ms(port, "/quit?and=so&it=ends", &bytes);
    pclose(go);
}

static void measure_eu_stack(void)
{
    char command[128];
    if (system("command -v eu-stack >/dev/null") != 0) {
        puts("eu-stack: skipped, elfutils is not installed");
        return;
    }
    double best = 1e9;
    snprintf(command, sizeof command, "eu-stack -p %d >/dev/null 2>&1", (int)getpid());
    for (int i = 0; i < 3; i++) {
        int64_t before = clock_monotonic_ns();
        if (system(command) < 0)
            return;
        double ms = (double)(clock_monotonic_ns() - before) / 1e6;
        best = ms < best ? ms : best;
    }
    printf("%-28s best %.1f ms; it stops every thread\n", "eu-stack -p, the same threads", best);
}

int main(int argc, char **argv)
{
    int threads = argc > 1 ? atoi(argv[1]) : 2300, rounds = argc > 2 ? atoi(argv[2]) : 40;
    if (threads < 1 || rounds < 1 || cprof_start("127.0.0.1:0") != 0)
        return 2;
    crowd_start(threads, DEPTH);
    crowd_settle();
    int port = atoi(strrchr(cprof_address(), ':') + 1);
    int64_t before = crowd_switches();
    printf("%d threads parked in %d ways, stacks of %d calls and more\n", threads, NCROWD, DEPTH);
    report("libcprof, threads?debug=2", measure(port, "/debug/pprof/threads?debug=2", rounds));
    report("libcprof, goroutine?debug=2", measure(port, "/debug/pprof/goroutine?debug=2", rounds));
    report("libcprof, threads?debug=1", measure(port, "/debug/pprof/threads?debug=1", rounds));
    report("libcprof, threads", measure(port, "/debug/pprof/threads", rounds));
    measure_wall(WALL_DEFAULT_HZ);
    measure_wall(WALL_MAX_HZ);
    printf(
        "context switches of the parked threads meanwhile: %lld\n", (long long)(crowd_switches() - before));
    int ended_early = crowd_disturbed();
    printf("waits that ended early: %d\n", ended_early);
    measure_eu_stack();
    printf("waits that ended early with eu-stack's stops: %d\n", crowd_disturbed() - ended_early);
    if (argc > 3)
        measure_go(argv[3], threads, rounds);
    crowd_release();
    return ended_early != 0;
}
