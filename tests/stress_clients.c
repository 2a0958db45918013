#include "stress.h"

#include "base/buf.h"
#include "base/clock.h"
#include "model/codec.h"
#include "symbol/symbol.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * Polite clients ask for one thing after the other and look at all of it. Of an answer other than 200 they
 * ask whether there was a reason: more requests at once than are served (503), or something that the program
 * lacked.
 */

enum { ANSWER_SECONDS = 60 };

struct answer {
    enum stress_answer kind;
    int status;
    struct buf all;
    const char *body; /* in all */
    size_t len;
    int64_t took_ns;
};

/* ---- connections ----------------------------------------------------------------------------------------
 */

static int connect_to_host(void)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {ANSWER_SECONDS, 0};
    in.sin_port = htons((uint16_t)atoi(strchr(stress->address, ':') + 1));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&in, sizeof in) != 0) {
        stress_fail("a client cannot connect: %s", strerror(errno));
        exit(1);
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return fd;
}

static int ask(const char *path)
{
    char text[1024];
    int fd = connect_to_host();
    int len = snprintf(text, sizeof text,
        "GET /debug/pprof/%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path);
    send(fd, text, (size_t)len, MSG_NOSIGNAL);
    return fd;
}

static void receive(int fd, struct answer *a)
{
    char chunk[65536];
    ssize_t n;
    while ((n = recv(fd, chunk, sizeof chunk, 0)) > 0)
        buf_append(&a->all, chunk, (size_t)n);
    if (n < 0 && errno == EAGAIN)
        stress_fail("no answer in %d s", ANSWER_SECONDS);
    close(fd);
    const char *end = a->all.data ? strstr(a->all.data, "\r\n\r\n") : NULL;
    a->kind = SILENT;
    if (!end || sscanf(a->all.data, "HTTP/1.1 %d", &a->status) != 1)
        return;
    a->kind = a->status == 200 ? ANSWERED : a->status == 503 ? REFUSED : FAILED;
    a->body = end + 4;
    a->len = a->all.len - (size_t)(a->body - a->all.data);
}

static void request(const char *path, struct answer *a)
{
    int64_t began = clock_monotonic_ns();
    *a = (struct answer){0};
    receive(ask(path), a);
    a->took_ns = clock_monotonic_ns() - began;
}

/* ---- judging --------------------------------------------------------------------------------------------
 */

/* What was asked for a second lasts one, by whatever clock the program goes. */
static void judge_duration(const char *path, const struct profile *p, int64_t took_ns)
{
    if (!strstr(path, "seconds=1"))
        return;
    if (p->duration_nanos < 990000000 || p->duration_nanos > took_ns)
        stress_fail("%s lasts %.3f s, and the request %.3f s", path, (double)p->duration_nanos / 1e9,
            (double)took_ns / 1e9);
    atomic_fetch_add(&stress->deltas, 1);
}

static void judge_profile(const char *path, const struct answer *a)
{
    struct profile *p;
    struct error error;
    int code = profile_decode(a->body, a->len, 0, &p, &error);
    if (code) {
        stress_fail("%s is no profile: %s", path, error.text);
        return;
    }
    judge_duration(path, p, a->took_ns);
    profile_free(p);
    atomic_fetch_add(&stress->profiles, 1);
}

static void judge_answered(const char *path, const struct answer *a)
{
    if (strstr(a->all.data, "application/octet-stream"))
        judge_profile(path, a);
    else if (a->len == 0)
        stress_fail("%s is empty", path);
    else
        atomic_fetch_add(&stress->texts, 1);
}

static int lack_since(unsigned changes, int lacks)
{
    if (lacks)
        return lacks;
    return atomic_load(&stress->changes) != changes ? atomic_load(&stress->lacked) : LACKS_NOTHING;
}

static void politely(const char *path)
{
    struct answer a;
    unsigned changes = atomic_load(&stress->changes);
    int lacks = atomic_load(&stress->lacks);
    request(path, &a);
    lacks = lack_since(changes, lacks);
    atomic_fetch_add(&stress->answers[lacks][a.kind], 1);
    if (a.kind == ANSWERED)
        judge_answered(path, &a);
    else if (a.kind != REFUSED && lacks == LACKS_NOTHING)
        stress_fail("%s is answered with %d, and nothing was lacking: %.*s", path, a.status,
            (int)(a.len < 200 ? a.len : 200), a.body ? a.body : "");
    buf_fini(&a.all);
}

/* ---- polite clients -------------------------------------------------------------------------------------
 */

static void asks_at_once(int n)
{
    static const char *const paths[] = {"heap", "heap?debug=1", "allocs", "threads", "threads?debug=1",
        "threads?debug=2", "goroutine", "goroutine?debug=2", "mutex", "mutex?debug=1", "block",
        "block?debug=1", "threadcreate", "threadcreate?debug=1", "", "cmdline", "symbol?0x1000+0x2000"};
    politely(paths[n % (int)(sizeof paths / sizeof *paths)]);
}

static void asks_for_a_second(int n)
{
    static const char *const paths[] = {"profile?seconds=1", "wall?seconds=1", "heap?seconds=1",
        "profile?seconds=1&hz=1000", "threads?seconds=1", "mutex?seconds=1", "wall?seconds=1&hz=1000",
        "block?seconds=1", "threadcreate?seconds=1", "profile?seconds=1&hz=250"};
    politely(paths[n % (int)(sizeof paths / sizeof *paths)]);
}

/* ---- impolite ones --------------------------------------------------------------------------------------
 */

static void close_with_reset(int fd)
{
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
    close(fd);
}

static void is_impolite(int n)
{
    static const char half[] = "GET /debug/pprof/heap HTTP/1.1\r\nHost: local";
    static const char garbage[] = "\x16\x03\x01\x02\x00\x01 /../../ \r\n\r\n\r\n";
    char some[100];
    int fd;
    switch (n % 6) {
    case 0: /* hangs in the midst of its request */
        fd = connect_to_host();
        send(fd, half, sizeof half - 1, MSG_NOSIGNAL);
        usleep(300000);
        close(fd);
        atomic_fetch_add(&stress->hung, 1);
        break;
    case 1: /* is gone before the second is over */
        fd = ask("profile?seconds=1");
        usleep(20000);
        close(fd);
        atomic_fetch_add(&stress->vanished, 1);
        break;
    case 2:
        close(ask("threads?debug=2"));
        atomic_fetch_add(&stress->vanished, 1);
        break;
    case 3:
        close_with_reset(ask("mutex?seconds=1"));
        atomic_fetch_add(&stress->reset, 1);
        break;
    case 4: /* begins to read, and no more */
        fd = ask("heap");
        if (recv(fd, some, sizeof some, 0) >= 0)
            atomic_fetch_add(&stress->slow, 1);
        usleep(100000);
        close_with_reset(fd);
        break;
    case 5:
        fd = connect_to_host();
        send(fd, garbage, sizeof garbage - 1, MSG_NOSIGNAL);
        usleep(1000);
        close(fd);
        atomic_fetch_add(&stress->garbage, 1);
        break;
    }
}

/* ---- the one for whom each allocation fails in turn -------------------------------------------------------
 */

/* Addresses of the program, and so of this process, which it has forked. */
enum { ADDRESSES = 8, STEP = 208, ASK_BYTES = 32 * ADDRESSES };

static uintptr_t code_at(int group, int i)
{
    extern char etext;
    uintptr_t first = (uintptr_t)profile_decode;
    return first + (uintptr_t)(group * ADDRESSES + i) * STEP % ((uintptr_t)&etext - first);
}

/* Asks for their names, and says how many have one. */
static int ask_for_names(int group, char path[ASK_BYTES])
{
    struct intern *strings = intern_new();
    struct symbolizer *s;
    struct symbol_frame frames[SYMBOL_MAX_INLINE];
    int named = 0;
    if (symbolizer_new_self(strings, &s, NULL)) {
        stress_fail("a client cannot look up names");
        _exit(1);
    }
    strcpy(path, "symbol?");
    for (int i = 0; i < ADDRESSES; i++) {
        uintptr_t at = code_at(group, i);
        sprintf(path + strlen(path), "%#lx+", (unsigned long)at);
        named += symbolizer_frames(s, at, frames, SYMBOL_MAX_INLINE) > 0;
    }
    symbolizer_free(s);
    intern_unref(strings);
    return named;
}

/* Whether the n-th allocation has failed; else *done says whether the request was served without it. */
static bool starve_one(const char *path, long n, bool *done)
{
    struct answer a;
    char whole[1024];
    snprintf(whole, sizeof whole, "%s%cfail=%ld", path, strchr(path, '?') ? '&' : '?', n);
    atomic_store(&stress->was_starved, false);
    request(whole, &a);
    bool starved = atomic_load(&stress->was_starved);
    if (a.kind == ANSWERED && strstr(a.all.data, "application/octet-stream"))
        judge_profile("one that lacked an allocation", &a);
    if (starved)
        atomic_fetch_add(&stress->starved[a.kind], 1);
    *done = !starved && a.kind == ANSWERED;
    buf_fini(&a.all);
    return starved;
}

static int count_names(const struct answer *a)
{
    int names = -1; /* the first line is another */
    for (const char *end = a->body; (end = strchr(end, '\n')); end++)
        names++;
    return names;
}

/* Once there is memory again, all names are there; unless there was no descriptor. Until that has been seen.
 */
static void ask_again(const char *path, int names)
{
    for (bool seen = false; !seen && atomic_load(&stress->on);) {
        struct answer a;
        long before = stress->lacking[LACKS_DESCRIPTORS];
        bool lacked = stress->lacks == LACKS_DESCRIPTORS;
        request(path, &a);
        lacked |= stress->lacking[LACKS_DESCRIPTORS] != before;
        seen = a.kind == ANSWERED && !(names && lacked);
        if (seen && names) {
            if (count_names(&a) != names)
                stress_fail("%s: %d names are left of %d", path, count_names(&a), names);
            atomic_fetch_add(&stress->named, count_names(&a));
        }
        buf_fini(&a.all);
    }
}

static void is_starved(int round)
{
    static const char *const paths[] = {"symbol", "cmdline", "heap", "threads?debug=2", "block",
        "mutex?debug=1", "", "threads", "threadcreate", "profile?seconds=1", "heap?debug=1",
        "wall?seconds=1"};
    const char *path = paths[round % (int)(sizeof paths / sizeof *paths)];
    char symbols[ASK_BYTES];
    bool done = false;
    int names = strcmp(path, "symbol") == 0 ? ask_for_names(round, symbols) : 0;
    path = names ? symbols : path;
    /* What comes after the second is what others have at once. */
    long most = strstr(path, "seconds=") ? 12 : LONG_MAX;
    for (long n = 1; !done && n <= most && atomic_load(&stress->on);) {
        n += starve_one(path, n, &done);
        if (names)
            ask_again(path, names);
    }
    atomic_fetch_add(&stress->starved_in_turn, done);
    ask_again(path, names);
}

/* ---- the process ----------------------------------------------------------------------------------------
 */

typedef void client(int n);
static client *const clients[] = {asks_at_once, asks_at_once, asks_at_once, asks_at_once, asks_for_a_second,
    asks_for_a_second, asks_for_a_second, asks_for_a_second, is_impolite, is_impolite, is_starved};
enum { CLIENTS = sizeof clients / sizeof *clients };

static void *run(void *which)
{
    intptr_t i = (intptr_t)which;
    for (int n = clients[i] == is_starved ? 0 : (int)i * 5; !atomic_load(&stress->over);) {
        if (!atomic_load(&stress->on)) {
            usleep(1000);
            continue;
        }
        atomic_fetch_add(&stress->clients, 1);
        while (atomic_load(&stress->on))
            clients[i](n++);
        atomic_fetch_sub(&stress->clients, 1);
    }
    return NULL;
}

_Noreturn void clients_run(void)
{
    pthread_t ids[CLIENTS];
    for (intptr_t i = 0; i < CLIENTS; i++)
        if (pthread_create(&ids[i], NULL, run, (void *)i) != 0)
            _exit(1);
    for (int i = 0; i < CLIENTS; i++)
        pthread_join(ids[i], NULL);
    _exit(0);
}
