#include "base/clock.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/*
 * What profiling costs a gateway: its CPU time a request with profiling on against off, in one process that
 * is switched between the two (gateway_control.c) many times, the same number of requests each time.
 *
 *     gateway_load GATEWAY SECONDS [COMMAND]
 *
 * COMMAND is one of gateway_control.c's, to see what a part of it costs; 1, everything, unless told
 * otherwise.
 *
 * A phase takes a tenth of a second or two, for what disturbs is slower than that: with 8,000 requests a
 * phase the interval after 70 seconds was four times as wide. That a session of CPU time starts and ends is
 * in the warm-up, since any profile is asked for longer.
 *
 * The difference is far smaller than what a shared machine does to CPU time, so each pair is on-off or off-on
 * in turns, what is reported is the mean of the pairs without the fifth at either end, and its 95% interval
 * is the bootstrap's. It goes on until the interval is narrow or the time is up, whatever the difference.
 */

enum { CONNECTIONS = 8, REQUESTS = 500, WARM_UP = 100, POPULAR = 3000, MIN_PAIRS = 24, MAX_PAIRS = 4000 };
enum { COUNTED_REQUESTS = 8000 };
static const double NARROW = 0.004; /* half the interval */

static uint32_t random_state = 6;

static uint32_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state;
}

static void die(const char *what)
{
    fprintf(stderr, "gateway_load: %s\n", what);
    exit(1);
}

/* ---- the gateway ----------------------------------------------------------------------------------------
 */

static FILE *commands, *answers;
static int port;
static pid_t gateway;

static void start_gateway(char *program)
{
    int to[2], from[2], output[2];
    char control[32], line[256];
    if (pipe(to) != 0 || pipe(from) != 0 || pipe(output) != 0)
        die("no pipes");
    gateway = fork();
    if (gateway == 0) {
        close(to[1]);
        close(from[0]);
        dup2(output[1], 1);
        snprintf(control, sizeof control, "%d,%d", to[0], from[1]);
        setenv("BENCH_CONTROL", control, 1);
        if (freopen("/dev/null", "w", stderr)) /* it has no address for profiles */
            execl(program, program, "--port", "0", "--debug", "", "--upstream-ms", "0", NULL);
        _exit(127);
    }
    close(to[0]);
    close(from[1]);
    close(output[1]);
    commands = fdopen(to[1], "w");
    answers = fdopen(from[0], "r");
    FILE *greeting = fdopen(output[0], "r");
    while (!port && fgets(line, sizeof line, greeting))
        sscanf(line, "gateway: http://127.0.0.1:%d/", &port);
    if (!port)
        die("the gateway did not start");
}

static const char *tell(char command)
{
    static char line[256];
    fprintf(commands, "%c", command);
    fflush(commands);
    if (!fgets(line, sizeof line, answers))
        die("the gateway has gone");
    return line;
}

/* ---- requests -------------------------------------------------------------------------------------------
 */

struct connection {
    int fd;
    char head[1024];
    size_t head_len;
    long left; /* of the body; -1: the head is not complete */
};

static struct connection connections[CONNECTIONS];
static unsigned next_item = 1000000;

static void dial(struct connection *c)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    a.sin_port = htons((uint16_t)port);
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&a, sizeof a) != 0)
        die("cannot connect");
}

/* Three in four are for popular items, the others for ones that were never asked for. */
static void ask(struct connection *c)
{
    char text[128];
    unsigned item = next_random() % 4 ? next_random() % POPULAR : next_item++;
    int len = snprintf(text, sizeof text, "GET /v1/items/item-%u HTTP/1.1\r\nHost: localhost\r\n\r\n", item);
    c->head_len = 0;
    c->left = -1;
    if (send(c->fd, text, (size_t)len, MSG_NOSIGNAL) != len)
        die("cannot send");
}

static void take_head(struct connection *c, const char *p, size_t n)
{
    size_t room = sizeof c->head - 1 - c->head_len, part = n < room ? n : room;
    memcpy(c->head + c->head_len, p, part);
    c->head_len += part;
    c->head[c->head_len] = '\0';
    char *end = strstr(c->head, "\r\n\r\n"), *length = strcasestr(c->head, "\r\nContent-Length:");
    if (!end)
        return;
    if (!length || strncmp(c->head, "HTTP/1.1 200", 12) != 0)
        die("an answer is none");
    size_t head_in_p = (size_t)(end + 4 - c->head) - (c->head_len - part);
    c->left = atol(length + 17) - (long)(n - head_in_p);
}

/* Whether the answer is complete. */
static bool take(struct connection *c)
{
    static char chunk[1 << 18];
    ssize_t n = recv(c->fd, chunk, sizeof chunk, 0);
    if (n <= 0)
        die("a connection was closed");
    if (c->left < 0)
        take_head(c, chunk, (size_t)n);
    else
        c->left -= n;
    return c->left == 0;
}

static void request(int n)
{
    struct pollfd watched[CONNECTIONS];
    int asked = 0, done = 0;
    for (int i = 0; i < CONNECTIONS; i++, asked++) {
        watched[i] = (struct pollfd){.fd = connections[i].fd, .events = POLLIN};
        ask(&connections[i]);
    }
    while (done < asked) {
        if (poll(watched, CONNECTIONS, 20000) <= 0)
            die("no answer");
        for (int i = 0; i < CONNECTIONS; i++) {
            if (!(watched[i].revents & POLLIN) || !take(&connections[i]))
                continue;
            done++;
            if (asked < n) {
                ask(&connections[i]);
                asked++;
            }
        }
    }
}

/* ---- figures --------------------------------------------------------------------------------------------
 */

/* CPU time a request, ns. */
static double cost_when(char command)
{
    tell(command);
    request(WARM_UP);
    int64_t before = atoll(tell('u'));
    request(REQUESTS);
    return (double)(atoll(tell('u')) - before) / REQUESTS;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The mean without the fifth at either end. Sorts v. */
static double trimmed_mean(double *v, int n)
{
    double sum = 0;
    qsort(v, (size_t)n, sizeof *v, ascending);
    for (int i = n / 5; i < n - n / 5; i++)
        sum += v[i];
    return sum / (n - 2 * (n / 5));
}

struct interval {
    double mean, low, high;
};

static struct interval bootstrap(const double *v, int n)
{
    enum { RESAMPLES = 2000 };
    static double means[RESAMPLES], some[MAX_PAIRS];
    for (int r = 0; r < RESAMPLES; r++) {
        for (int i = 0; i < n; i++)
            some[i] = v[next_random() % (uint32_t)n];
        means[r] = trimmed_mean(some, n);
    }
    memcpy(some, v, (size_t)n * sizeof *v);
    qsort(means, RESAMPLES, sizeof *means, ascending);
    return (struct interval){
        trimmed_mean(some, n), means[RESAMPLES / 40], means[RESAMPLES - 1 - RESAMPLES / 40]};
}

/* How much dearer a request is with `command` than with everything off. Prints "NAME MEAN LOW HIGH PAIRS" in
 * percent; what a request costs when off. */
static double compare(const char *name, char command, double seconds)
{
    static double differences[MAX_PAIRS], costs[MAX_PAIRS];
    struct interval d = {0};
    int n = 0;
    int64_t until = clock_monotonic_ns() + (int64_t)(seconds * 1e9);
    while (n < MAX_PAIRS) {
        double first = cost_when(n % 2 ? command : '0'), second = cost_when(n % 2 ? '0' : command);
        double on = n % 2 ? first : second, off = n % 2 ? second : first;
        differences[n] = on / off - 1;
        costs[n++] = off;
        bool over = clock_monotonic_ns() > until;
        if (n < MIN_PAIRS || (n % 16 != 0 && !over && n < MAX_PAIRS))
            continue;
        d = bootstrap(differences, n);
        if ((d.high - d.low) / 2 < NARROW || over)
            break;
    }
    printf("%s %.2f %.2f %.2f %d\n", name, 100 * d.mean, 100 * d.low, 100 * d.high, n);
    fflush(stdout);
    return trimmed_mean(costs, n);
}

/* Of a thread's CPU time at 100 Hz: four a sample, or as many as the kernel's tick allows (cpu_timer.h). */
static double looks_a_second(void)
{
    struct timespec tick;
    clock_getres(CLOCK_MONOTONIC_COARSE, &tick);
    double ticks = 1e9 / (double)tick.tv_nsec;
    return ticks < 400 ? ticks : 400;
}

/* What events cost, times how many a request has. */
static void add_up(double request_ns)
{
    double lock, call, wait, sample, heap;
    long locks, calls;
    long long waits, charges, bytes;
    if (sscanf(tell('p'), "%lf %lf %lf %lf %lf", &lock, &call, &wait, &sample, &heap) != 5)
        die("no prices");
    tell('n');
    request(COUNTED_REQUESTS);
    if (sscanf(tell('e'), "%ld %ld %lld %lld %lld", &locks, &calls, &waits, &charges, &bytes) != 5)
        die("no counts");
    const struct {
        const char *name;
        double each_ns, a_request;
    } parts[] = {{"locks", lock, (double)locks / COUNTED_REQUESTS},
        {"calls", call, (double)calls / COUNTED_REQUESTS},
        {"waits", wait, (double)(waits > charges ? waits : charges) / COUNTED_REQUESTS},
        {"looks", sample, looks_a_second() * request_ns / 1e9},
        {"heap", heap, (double)bytes / COUNTED_REQUESTS / 524288}};
    double sum = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        double percent = 100 * parts[i].each_ns * parts[i].a_request / request_ns;
        printf("part %s %.1f %.5f %.4f\n", parts[i].name, parts[i].each_ns, parts[i].a_request, percent);
        sum += percent;
    }
    printf("parts %.3f\n", sum);
}

int main(int argc, char **argv)
{
    if (argc < 3)
        die("usage: gateway_load GATEWAY SECONDS [COMMAND]");
    signal(SIGPIPE, SIG_IGN);
    start_gateway(argv[1]);
    for (int i = 0; i < CONNECTIONS; i++)
        dial(&connections[i]);
    request(WARM_UP);
    double request_ns = compare("difference", argc > 3 ? *argv[3] : '1', atof(argv[2]));
    printf("request_us %.1f\n", request_ns / 1000);
    add_up(request_ns);
    kill(gateway, SIGTERM);
    waitpid(gateway, NULL, 0);
    return 0;
}
