#include "export/service.h"

#include "capture/heap.h"
#include "export/environment.h"
#include "export/listener.h"
#include "export/names.h"
#include "export/server.h"

#include <pthread.h>
#include <string.h>
#include <sys/resource.h>

/*
 * The one global state of the library: whether it runs, and the server that answers.
 */
static struct {
    pthread_mutex_t lock; /* guards what follows, and that one starts or stops at a time */
    struct server *server;
    char address[LISTENER_NAME_BYTES];
    char asked[LISTENER_NAME_BYTES]; /* the address as it was given, for children */
    bool is_guest, follows_forks, has_fork_handlers;
    bool starts_again; /* in a child: it is to be started, once all else has recovered from the fork */
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

/* The server listens from here on, in a program whose capture runs. */
static int serve(const struct environment *config, struct error *error)
{
    struct server_config server = {.listen_fd = -1, .token = config->token};
    int code = listener_open(config->address, config->allow_remote, &server.listen_fd, state.address, error);
    if (code)
        return code;
    /* No page in a browser reaches a unix socket. */
    server.any_host = config->allow_remote || listener_is_unix(state.address);
    code = capture_start(&config->capture, error);
    if (code) {
        close(server.listen_fd);
    } else {
        code = server_start(&server, &state.server, error);
        if (code)
            capture_stop();
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
    state.follows_forks = config.fork;
    if (config.capture.heap_rate_bytes)
        complain_of_no_heap();
    if (picks_port(config.address))
        dprintf(STDERR_FILENO, "cprof: serving http://%s/debug/pprof/\n", state.address);
    return 0;
}

static void stop_locked(void)
{
    if (!state.server)
        return;
    server_stop(state.server);
    listener_remove(state.address);
    capture_stop();
    names_forget();
    state.server = NULL;
    state.address[0] = '\0';
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
    state.starts_again = state.server && state.follows_forks;
    state.server = NULL;
    state.address[0] = '\0';
    names_after_fork();
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
    int code = start_locked(state.asked, state.is_guest, &error);
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

static int start(const char *address, bool is_guest, struct error *error)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, watch_forks);
    pthread_mutex_lock(&state.lock);
    int code = start_locked(address, is_guest, error);
    if (code && !state.server)
        state.address[0] = '\0';
    if (!code && !state.has_fork_handlers)
        state.has_fork_handlers = pthread_atfork(NULL, NULL, start_again_in_child) == 0;
    pthread_mutex_unlock(&state.lock);
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

const struct service cprof_private_service = {start, stop, address_served};

/* The libraries below us are about to be torn down, and our threads may be in them. Somebody who calls exit()
 * in the midst of starting or stopping is not waited for. */
static __attribute__((destructor)) void stop_at_exit(void)
{
    if (pthread_mutex_trylock(&state.lock) != 0)
        return;
    stop_locked();
    pthread_mutex_unlock(&state.lock);
}
