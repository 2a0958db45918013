#include "cprof.h"

#include "capture/contention.h"
#include "capture/heap.h"
#include "export/environment.h"
#include "export/listener.h"
#include "export/names.h"
#include "export/server.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/*
 * The one global state of the library: whether it runs, and the server that answers.
 */
static struct {
    pthread_mutex_t lock; /* guards what follows, and that one starts or stops at a time */
    struct server *server;
    char address[LISTENER_NAME_BYTES];
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

const char *cprof_strerror(int code)
{
    return error_text(code);
}

/* ---- fork -----------------------------------------------------------------------------------------------
 */

static void before_fork(void)
{
    pthread_mutex_lock(&state.lock);
}

static void after_fork_in_parent(void)
{
    pthread_mutex_unlock(&state.lock);
}

/* A child has none of our threads: it runs unprofiled, and may start anew. */
static void after_fork_in_child(void)
{
    if (state.server)
        server_abandon_sigsafe(state.server);
    state.server = NULL;
    state.address[0] = '\0';
    names_after_fork();
    pthread_mutex_unlock(&state.lock);
}

static void watch_forks(void)
{
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

/* ---- start and stop -------------------------------------------------------------------------------------
 */

/* The soft limit is commonly 1024, and our sockets come on top of the program's. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static bool picks_port(const char *address)
{
    size_t n = strlen(address);
    return n >= 2 && strcmp(address + n - 2, ":0") == 0;
}

static int start_locked(const char *address, struct error *error)
{
    struct environment config;
    struct server_config server = {.listen_fd = -1};
    if (state.server)
        return error_set(error, ERR_BUSY, "already started on %s", state.address);
    int code = environment_read(&config, error);
    if (code)
        return code;
    if (address)
        config.address = address;
    raise_descriptor_limit();
    code = listener_open(config.address, config.allow_remote, &server.listen_fd, state.address, error);
    if (code)
        return code;
    server.any_host = config.allow_remote;
    server.token = config.token;
    code = capture_start(&config.capture, error);
    if (code) {
        close(server.listen_fd);
        return code;
    }
    code = server_start(&server, &state.server, error);
    if (code) {
        capture_stop();
        return code;
    }
    if (config.capture.heap_rate_bytes && heap_why_unsupported())
        fprintf(stderr, "cprof: no heap profile: %s\n", heap_why_unsupported());
    if (picks_port(config.address))
        fprintf(stderr, "cprof: serving http://%s/debug/pprof/\n", state.address);
    return 0;
}

int cprof_start(const char *address)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct error error = {0};
    pthread_once(&once, watch_forks);
    pthread_mutex_lock(&state.lock);
    bool sampled = heap_sample_thread(false);
    int code = start_locked(address, &error);
    heap_sample_thread(sampled);
    if (code && !state.server)
        state.address[0] = '\0';
    pthread_mutex_unlock(&state.lock);
    if (code)
        fprintf(stderr, "cprof: %s\n", error.text);
    return code;
}

void cprof_stop(void)
{
    pthread_mutex_lock(&state.lock);
    if (state.server) {
        server_stop(state.server);
        capture_stop();
        names_forget();
        state.server = NULL;
        state.address[0] = '\0';
    }
    pthread_mutex_unlock(&state.lock);
}

const char *cprof_address(void)
{
    return state.address;
}

int cprof_set_mutex_fraction(int n)
{
    return contention_set_mutex_fraction(n);
}

int64_t cprof_set_block_rate_ns(int64_t rate_ns)
{
    return contention_set_block_rate_ns(rate_ns);
}
