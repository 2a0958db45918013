#include "crowd.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct crowd_thread {
    pthread_t id;
    _Atomic pid_t tid;
    int number;
};

static struct crowd_thread *all;
static int count, calls;
static atomic_bool released;
static atomic_int disturbed;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER, cond_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static sem_t sem;
static int pipe_fds[2], socket_fds[2], epoll_fd;

const char *crowd_name(enum crowd_kind kind)
{
    static const char *const names[] = {
#define X(name) #name,
        CROWD_KINDS(X)
#undef X
    };
    return names[kind];
}

/* Whether the wait ended as it should: each of these gives what it gives only after a release. */
static bool wait_in(enum crowd_kind kind)
{
    struct pollfd p = {.fd = pipe_fds[0], .events = POLLIN};
    struct epoll_event event;
    struct timespec hours = {36000, 0};
    char byte;
    bool ok;
    switch (kind) {
    case CROWD_mutex:
        return pthread_mutex_lock(&mutex) == 0 && released && pthread_mutex_unlock(&mutex) == 0;
    case CROWD_cond:
        pthread_mutex_lock(&cond_mutex);
        ok = pthread_cond_wait(&cond, &cond_mutex) == 0 && released;
        return pthread_mutex_unlock(&cond_mutex) == 0 && ok;
    case CROWD_rwlock:
        return pthread_rwlock_rdlock(&rwlock) == 0 && released && pthread_rwlock_unlock(&rwlock) == 0;
    case CROWD_sem:
        return sem_wait(&sem) == 0 && released;
    case CROWD_poll:
        return poll(&p, 1, -1) == 1 && released;
    case CROWD_epoll:
        return epoll_wait(epoll_fd, &event, 1, -1) == 1 && released;
    case CROWD_nanosleep:
        nanosleep(&hours, NULL); /* ends by cancellation */
        return false;
    case CROWD_recv:
        return recv(socket_fds[0], &byte, 1, 0) == 0 && released;
    default:
        return false;
    }
}

static __attribute__((noinline)) bool go_down(enum crowd_kind kind, int depth)
{
    bool ok = depth > 0 ? go_down(kind, depth - 1) : wait_in(kind);
    __asm__ volatile("" ::: "memory"); /* no tail call */
    return ok;
}

static void *park(void *arg)
{
    struct crowd_thread *t = arg;
    enum crowd_kind kind = (enum crowd_kind)(t->number % NCROWD);
    pthread_setname_np(pthread_self(), crowd_name(kind));
    atomic_store(&t->tid, (pid_t)syscall(SYS_gettid));
    if (!go_down(kind, calls))
        atomic_fetch_add(&disturbed, 1);
    return NULL;
}

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(2);
}

static void open_all(void)
{
    struct epoll_event in = {.events = EPOLLIN};
    must(pipe(pipe_fds) == 0, "pipe");
    must(socketpair(AF_UNIX, SOCK_STREAM, 0, socket_fds) == 0, "socketpair");
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    must(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, pipe_fds[0], &in) == 0, "epoll_ctl");
    sem_init(&sem, 0, 0);
}

void crowd_start(int n, int depth)
{
    pthread_attr_t attr;
    open_all();
    count = n;
    calls = depth;
    all = calloc((size_t)n, sizeof *all);
    must(all != NULL, "calloc");
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 256 * 1024);
    pthread_mutex_lock(&mutex);
    pthread_rwlock_wrlock(&rwlock);
    for (int i = 0; i < n; i++) {
        all[i].number = i;
        errno = pthread_create(&all[i].id, &attr, park, &all[i]);
        must(errno == 0, "pthread_create");
    }
    pthread_attr_destroy(&attr);
    for (int i = 0; i < n; i++)
        while (atomic_load(&all[i].tid) == 0)
            sched_yield();
}

pid_t crowd_tid(int i)
{
    return atomic_load(&all[i].tid);
}

static size_t read_task(pid_t tid, const char *file, char *text, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%d/%s", (int)tid, file);
    FILE *f = fopen(path, "re");
    size_t n = f ? fread(text, 1, size - 1, f) : 0;
    text[n] = '\0';
    if (f)
        fclose(f);
    return n;
}

void crowd_settle(void)
{
    char text[512];
    for (int i = 0; i < count; i++)
        for (;;) {
            read_task(crowd_tid(i), "stat", text, sizeof text);
            const char *name_ends = strrchr(text, ')');
            if (name_ends && name_ends[2] == 'S')
                break;
            sched_yield();
        }
}

int64_t crowd_switches(void)
{
    char text[4096];
    int64_t sum = 0;
    for (int i = 0; i < count; i++) {
        read_task(crowd_tid(i), "status", text, sizeof text);
        for (const char *at = text; (at = strstr(at, "voluntary_ctxt_switches:")) != NULL; at++)
            sum += atoll(strchr(at, ':') + 1);
    }
    return sum;
}

int crowd_disturbed(void)
{
    return atomic_load(&disturbed);
}

int crowd_release(void)
{
    atomic_store(&released, true);
    pthread_mutex_unlock(&mutex);
    pthread_rwlock_unlock(&rwlock);
    pthread_mutex_lock(&cond_mutex);
    pthread_cond_broadcast(&cond);
    pthread_mutex_unlock(&cond_mutex);
    for (int i = 0; i < count; i++) {
        sem_post(&sem);
        if (i % NCROWD == CROWD_nanosleep)
            pthread_cancel(all[i].id);
    }
    must(write(pipe_fds[1], "x", 1) == 1, "write");
    shutdown(socket_fds[1], SHUT_RDWR);
    for (int i = 0; i < count; i++)
        pthread_join(all[i].id, NULL);
    free(all);
    int fds[] = {pipe_fds[0], pipe_fds[1], socket_fds[0], socket_fds[1], epoll_fd};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        close(fds[i]);
    return atomic_load(&disturbed);
}
