#include "export/direct.h"

#include "capture/capture.h"
#include "export/endpoints.h"
#include "export/service.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* ---- a request and its wait -----------------------------------------------------------------------------
 */

struct errand {
    const struct request *request;
    struct reply *reply;
    pthread_mutex_t lock; /* guards done */
    pthread_cond_t changed;
    bool done;
};

static void run(void *arg)
{
    struct errand *e = arg;
    endpoints_serve(e->request, e->reply);
    pthread_mutex_lock(&e->lock);
    e->done = true;
    pthread_cond_signal(&e->changed);
    pthread_mutex_unlock(&e->lock);
}

static void wait_until_done(struct errand *e)
{
    pthread_mutex_lock(&e->lock);
    while (!e->done)
        pthread_cond_wait(&e->changed, &e->lock);
    pthread_mutex_unlock(&e->lock);
}

int direct_serve(struct request *r, struct reply *reply)
{
    struct errand e = {r, reply, PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false};
    struct capture_quiet quiet;
    int cancel;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel); /* the worker has pointers to this stack */
    capture_quiet_begin(&quiet);
    int code = service_submit(run, &e, &r->stop_fd);
    if (!code)
        wait_until_done(&e);
    else if (code == ERR_LIMIT)
        endpoints_too_many(reply);
    capture_quiet_end(&quiet);
    pthread_setcancelstate(cancel, NULL);
    pthread_cond_destroy(&e.changed);
    pthread_mutex_destroy(&e.lock);
    return code;
}

/* ---- to a descriptor ------------------------------------------------------------------------------------
 */

/* All of it, however often it takes; false with errno. */
static bool write_all(int fd, const char *bytes, size_t len)
{
    while (len) {
        ssize_t n = write(fd, bytes, len);
        if (n > 0) {
            bytes += n;
            len -= (size_t)n;
        } else if (n == 0) {
            errno = EIO;
            return false;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            struct pollfd room = {.fd = fd, .events = POLLOUT};
            poll(&room, 1, -1); /* an error on it is what the next write says */
        } else if (errno != EINTR) {
            return false;
        }
    }
    return true;
}

/* A pipe that nobody reads from is an error here, and no signal that ends the program. */
static bool write_all_without_sigpipe(int fd, const char *bytes, size_t len)
{
    static const struct timespec at_once;
    sigset_t pipe_signal, before, pending;
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    sigemptyset(&pending);
    sigpending(&pending);
    pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
    bool written = write_all(fd, bytes, len);
    int why = errno;
    if (!written && why == EPIPE && !sigismember(&pending, SIGPIPE))
        while (sigtimedwait(&pipe_signal, NULL, &at_once) < 0 && errno == EINTR)
            ;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = why;
    return written;
}

/* What the reply means to the caller: ERR_IO is kept for its descriptor. */
static int code_of(const struct reply *reply)
{
    if (reply->status == 0)
        return ERR_CANCELLED;
    if (reply->status == 200)
        return 0;
    return reply->code == ERR_IO || reply->code == ERR_FORMAT ? ERR_FAILED : reply->code;
}

int direct_write(const char *profile, int fd)
{
    char path[64] = ENDPOINTS_PREFIX;
    size_t len = strcspn(profile, "?"), prefix = strlen(path);
    struct request r = {.method = "GET", .path = path, .client_fd = -1};
    struct reply reply = {0};
    int saved = errno;
    if (len >= sizeof path - prefix)
        return ERR_NOTFOUND;
    memcpy(path + prefix, profile, len); /* the rest is zero */
    r.query = profile[len] ? profile + len + 1 : "";
    int code = direct_serve(&r, &reply);
    if (!code)
        code = code_of(&reply);
    errno = saved;
    if (!code && !write_all_without_sigpipe(fd, reply.body.data, reply.body.len))
        code = ERR_IO;
    saved = errno;
    buf_fini(&reply.body);
    errno = saved;
    return code;
}
