#include "fake_capture.h"

#include "capture/capture.h"
#include "capture/cpu.h"
#include "capture/wall.h"
#include "export/convert.h"
#include "export/endpoints.h"
#include "export/index.h"
#include "export/names.h"
#include "export/ownfd.h"
#include "export/ownthread.h"
#include "export/service.h"
#include "export/text.h"
#include "export/threaddump.h"
#include "fuzz.h"
#include "sample_profile.h"

#include <stdlib.h>
#include <unistd.h>

struct fake_capture fake_capture;

/* ---- waiting ---- */

bool __wrap_request_wait(const struct request *r, int64_t ns);

static bool samples_wall;

/* A wall session goes on until its time has passed, which it does not here. */
bool __wrap_request_wait(const struct request *r, int64_t ns)
{
    fuzz_require(endpoints_takes_time(r), "a request", "waits, and was not known to");
    fuzz_require(ns >= 0 && ns <= ENDPOINTS_MAX_SECONDS * INT64_C(1000000000), "a wait", "out of bounds");
    return !fake_capture.clients_leave && !samples_wall;
}

/* ---- sessions ---- */

struct cpu_session {
    int hz;
};

struct wall_session {
    int hz;
};

/* Both are a rate. */
static int begin(int hz, int max_hz, void **session)
{
    fuzz_require(hz >= 1 && hz <= max_hz, "a rate", "out of bounds");
    if (fake_capture.refuses)
        return fake_capture.refuses;
    int *begun = malloc(sizeof *begun);
    fuzz_require(begun != NULL, "a session", "out of memory");
    *begun = hz;
    *session = begun;
    fake_capture.sessions++;
    return 0;
}

static int end(void *session)
{
    free(session);
    fake_capture.sessions--;
    return 0;
}

int cpu_session_start(int hz, struct cpu_session **session)
{
    return begin(hz, CPU_MAX_HZ, (void **)session);
}

int cpu_session_stop(struct cpu_session *session, struct snapshot *out)
{
    (void)out;
    return end(session);
}

int wall_session_start(int hz, struct wall_session **session)
{
    int code = begin(hz, WALL_MAX_HZ, (void **)session);
    samples_wall = !code;
    return code;
}

int64_t wall_session_sample(struct wall_session *session)
{
    return 1000000000 / session->hz;
}

int wall_session_stop(struct wall_session *session, struct snapshot *out)
{
    (void)out;
    samples_wall = false;
    return end(session);
}

/* ---- profiles ---- */

static int refused(struct error *error)
{
    return fake_capture.refuses ? error_set(error, fake_capture.refuses, "nothing is captured here") : 0;
}

static int put(const char *text, struct buf *out, struct error *error)
{
    buf_puts(out, text);
    return refused(error);
}

const struct feed *feed_get(enum feed_id id)
{
    static const struct feed longest = {.name = "threadcreate"};
    fuzz_require(id >= 0 && id < NFEEDS, "a profile", "that there is not");
    return &longest;
}

int feed_take(enum feed_id id, struct snapshot *out, struct error *error)
{
    uintptr_t pcs[2] = {1, 2};
    struct snapshot_record r = {.depth = 2, .values = {3}};
    int code = refused(error);
    (void)feed_get(id);
    out->nvalues = 1;
    return code ? code : snapshot_add(out, &r, pcs);
}

int convert_snapshot(
    const struct snapshot *s, const struct feed *feed, struct profile **out, struct error *error)
{
    (void)s, (void)feed, (void)error;
    *out = sample_profile();
    return 0;
}

int text_snapshot(enum feed_id id, const struct snapshot *s, struct buf *out, struct error *error)
{
    (void)feed_get(id), (void)s;
    return put("a text\n", out, error);
}

int threads_snapshot(struct threads_snapshot *out)
{
    (void)out;
    return fake_capture.refuses;
}

void threads_snapshot_fini(struct threads_snapshot *s)
{
    (void)s;
}

int threaddump_text(
    enum feed_id id, const struct threads_snapshot *threads, struct buf *out, struct error *error)
{
    (void)feed_get(id), (void)threads;
    return put("threads\n", out, error);
}

int index_page(struct buf *out, struct error *error)
{
    return put("<!DOCTYPE html>\n", out, error);
}

/* ---- names ---- */

size_t __real_symbolizer_frames(
    struct symbolizer *s, uint64_t address, struct symbol_frame *frames, size_t max);
size_t __wrap_symbolizer_frames(
    struct symbolizer *s, uint64_t address, struct symbol_frame *frames, size_t max);

/* An address of its own, to be told from a real one. */
static char names;

struct symbolizer *names_begin(struct error *error)
{
    return refused(error) ? NULL : (struct symbolizer *)&names;
}

void names_end(struct symbolizer *s)
{
    fuzz_require(s == (struct symbolizer *)&names, "a turn", "ends that did not begin");
}

size_t __wrap_symbolizer_frames(
    struct symbolizer *s, uint64_t address, struct symbol_frame *frames, size_t max)
{
    if (s != (struct symbolizer *)&names)
        return __real_symbolizer_frames(s, address, frames, max);
    fuzz_require(address != 0 && max > 0, "a name", "of no address");
    frames[0] = (struct symbol_frame){.function = "named"};
    return address % 2;
}

/* ---- the service ---- */

void capture_refresh(void)
{
}

void capture_quiet_begin(struct capture_quiet *q)
{
    (void)q;
}

void capture_quiet_end(const struct capture_quiet *q)
{
    (void)q;
}

int service_submit(void (*job)(void *arg), void *arg, int *stop_fd)
{
    if (fake_capture.is_off || fake_capture.is_busy)
        return fake_capture.is_off ? ERR_OFF : ERR_LIMIT;
    *stop_fd = -1;
    job(arg);
    return 0;
}

int service_admit(const struct visitor *v, const char **why)
{
    return fake_capture.is_off ? ERR_OFF : guard_check(&fake_capture.guard, v, why);
}

bool workers_submit(struct workers *w, void (*job)(void *arg), void *arg)
{
    (void)w;
    if (!fake_capture.is_busy)
        job(arg);
    return !fake_capture.is_busy;
}

int workers_stop_fd(const struct workers *w)
{
    (void)w;
    return -1;
}

/* Descriptors stay where they are, or each input would have a hundred opened. */
int ownfd_raise(int fd)
{
    return fd;
}

void ownfd_raise_event(int fd)
{
    (void)!write(fd, &(uint64_t){1}, sizeof(uint64_t));
}

bool ownfd_is_event(int fd)
{
    return fd >= 0;
}

void ownfd_hold_low(struct ownfd_hold *hold)
{
    hold->count = 0;
}

void ownfd_release(const struct ownfd_hold *hold)
{
    (void)hold;
}

int ownthread_start(struct ownthread *t, const char *name, void (*run)(void *arg), void *arg)
{
    (void)t, (void)name;
    run(arg);
    return 0;
}

void ownthread_join(struct ownthread *t)
{
    (void)t;
}
