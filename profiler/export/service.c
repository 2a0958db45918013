#include "export/service.h"

#include "capture/heap.h"
#include "export/direct.h"
#include "export/endpoints.h"
#include "export/environment.h"
#include "export/listener.h"
#include "export/mount.h"
#include "export/names.h"
#include "export/server.h"
#include "symbol/symbol.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/*
 * The one global state of the library: whether it captures, and the server that answers.
 */
static struct {
    pthread_mutex_t lock;    /* guards what follows, and that one starts or stops at a time */
    struct workers *workers; /* there while it captures */
    struct guard guard;      /* likewise */
    char *token;             /* what guard points to */
    struct server *server;   /* NULL when nothing is served */
    char address[LISTENER_NAME_BYTES];
    char asked[LISTENER_NAME_BYTES]; /* the address as it was given, for children */
    bool is_guest, follows_forks, has_fork_handlers;
    bool starts_again; /* in a child: it is to be started, once all else has recovered from the fork */
    bool serves_again; /* and this as well */
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

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

/* No error: everything else is served. */
static void complain_of_no_heap(void)
{
    struct error error;
    if (!heap_why_unsupported())
        return;
    error_set(&error, ERR_UNSUPPORTED, "no heap profile: %s", heap_why_unsupported());
    service_complain(&error);
}

static int begin_capture(const struct environment *config, struct error *error)
{
    char *token = strdup(config->token);
    struct workers *workers = workers_new(ENDPOINTS_MAX_REQUESTS);
    int code = token && workers ? capture_start(&config->capture, error)
                                : error_set(error, ERR_LIMIT, "no memory or descriptors for the profiler");
    if (code) {
        if (workers)
            workers_free(workers);
        free(token);
        return code;
    }
    state.workers = workers;
    state.token = token;
    state.guard = (struct guard){config->allow_remote, token};
    state.follows_forks = config->fork;
    if (config->capture.heap_rate_bytes)
        complain_of_no_heap();
    return 0;
}

/* Where descriptors were lost, the threads and what they use stay behind. */
static void end_capture(void)
{
    bool stopped = workers_stop(state.workers);
    if (state.server)
        stopped = stopped && server_stop(state.server);
    capture_stop();
    names_forget();
    if (stopped) {
        workers_free(state.workers);
        free(state.token);
    }
    state.server = NULL;
    state.workers = NULL;
}

/* The server listens from here on, in a program whose capture runs. */
static int serve(const struct environment *config, struct error *error)
{
    struct server_config server = {.listen_fd = -1, .guard = &state.guard};
    bool captured = state.workers;
    bool allow_remote = captured ? state.guard.allow_remote : config->allow_remote;
    int code = listener_open(config->address, allow_remote, &server.listen_fd, state.address, error);
    if (code)
        return code;
    if (!captured)
        code = begin_capture(config, error);
    if (code) {
        close(server.listen_fd);
    } else {
        server.is_unix = listener_is_unix(state.address);
        server.workers = state.workers;
        code = server_start(&server, &state.server, error);
        if (code && !captured)
            end_capture();
    }
    if (code)
        listener_remove(state.address);
    return code;
}

static int start_locked(const char *address, bool is_guest, struct error *error)
{
    struct environment config;
    if (state.server)
        return error_set(error, ERR_BUSY, "already started on %s", state.address);
    int code = environment_read(&config, error);
    if (code)
        return code;
    if (address)
        config.address = address;
    if (strlen(config.address) >= sizeof state.asked)
        return error_set(error, ERR_INVALID, "bad address \"%s\": it is too long", config.address);
    if (!is_guest)
        raise_descriptor_limit();
    code = serve(&config, error);
    if (code)
        return code;
    if (config.address != state.asked)
        strcpy(state.asked, config.address);
    state.is_guest = is_guest;
    if (picks_port(config.address))
        dprintf(STDERR_FILENO, "cprof: serving http://%s/debug/pprof/\n", state.address);
    return 0;
}

static int start_capture_locked(struct error *error)
{
    struct environment config;
    if (state.workers)
        return error_set(error, ERR_BUSY, "already started");
    int code = environment_read(&config, error);
    return code ? code : begin_capture(&config, error);
}

static void stop_locked(void)
{
    if (!state.workers)
        return;
    bool served = state.server;
    end_capture();
    if (served)
        listener_remove(state.address);
    state.address[0] = '\0';
}

/* ---- fork -----------------------------------------------------------------------------------------------
 */

static void before_fork(void)
{
    pthread_mutex_lock(&state.lock);
    symbolizer_before_fork();
}

static void after_fork_in_parent(void)
{
    symbolizer_after_fork_in_parent();
    pthread_mutex_unlock(&state.lock);
}

/* A child has none of our threads: it runs unprofiled, and may start anew. */
static void after_fork_in_child(void)
{
    if (state.server)
        server_abandon_sigsafe(state.server);
    if (state.workers)
        workers_abandon_sigsafe(state.workers);
    state.starts_again = state.workers && state.follows_forks;
    state.serves_again = state.server;
    state.server = NULL;
    state.workers = NULL;
    state.address[0] = '\0';
    symbolizer_after_fork_in_child();
    names_after_fork();
    mount_after_fork();
    pthread_mutex_unlock(&state.lock);
}

/* Registered behind capture's handlers, and so called after them. An address that the parent still has is
 * no mistake of anybody's. */
static void start_again_in_child(void)
{
    struct error error = {0};
    if (!state.starts_again)
        return;
    state.starts_again = false;
    pthread_mutex_lock(&state.lock);
    bool sampled = heap_sample_thread(false);
    int code =
        state.serves_again ? start_locked(state.asked, state.is_guest, &error) : start_capture_locked(&error);
    heap_sample_thread(sampled);
    if (code)
        state.address[0] = '\0';
    pthread_mutex_unlock(&state.lock);
    if (code && code != ERR_BUSY)
        service_complain(&error);
}

static void watch_forks(void)
{
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

/* ---- the service ----------------------------------------------------------------------------------------
 */

static void lock_to_start(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    capture_know_threads(); /* its handlers first: they take a lock while we have ours, as starting does */
    pthread_once(&once, watch_forks);
    pthread_mutex_lock(&state.lock);
}

static void unlock_started(int code)
{
    if (!state.server)
        state.address[0] = '\0';
    if (!code && !state.has_fork_handlers)
        state.has_fork_handlers = pthread_atfork(NULL, NULL, start_again_in_child) == 0;
    pthread_mutex_unlock(&state.lock);
}

static int start(const char *address, bool is_guest, struct error *error)
{
    lock_to_start();
    int code = start_locked(address, is_guest, error);
    unlock_started(code);
    return code;
}

static int start_capture(struct error *error)
{
    lock_to_start();
    int code = start_capture_locked(error);
    unlock_started(code);
    return code;
}

static void stop(void)
{
    pthread_mutex_lock(&state.lock);
    stop_locked();
    pthread_mutex_unlock(&state.lock);
}

static const char *address_served(void)
{
    return state.address;
}

int service_submit(void (*job)(void *arg), void *arg, int *stop_fd)
{
    int code = ERR_OFF;
    pthread_mutex_lock(&state.lock);
    if (state.workers) {
        *stop_fd = workers_stop_fd(state.workers);
        code = workers_submit(state.workers, job, arg) ? 0 : ERR_LIMIT;
    }
    pthread_mutex_unlock(&state.lock);
    return code;
}

int service_admit(const struct visitor *v, const char **why)
{
    pthread_mutex_lock(&state.lock);
    int status = state.workers ? guard_check(&state.guard, v, why) : ERR_OFF;
    pthread_mutex_unlock(&state.lock);
    return status;
}

const struct service cprof_private_service = {
    .start = start,
    .start_capture = start_capture,
    .stop = stop,
    .address = address_served,
    .write = direct_write,
    .handle = mount_handle,
};

/* The libraries below us are about to be torn down, and our threads may be in them. Somebody who calls exit()
 * in the midst of starting or stopping is not waited for. */
static __attribute__((destructor)) void stop_at_exit(void)
{
    if (pthread_mutex_trylock(&state.lock) != 0)
        return;
    stop_locked();
    pthread_mutex_unlock(&state.lock);
}
