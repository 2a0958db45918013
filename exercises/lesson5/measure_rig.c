/* The world around a stopwatch under test; see measure_rig.h. */
#include "measure_rig.h"

#include "module.h"
#include "verdict.h"

#include <math.h>
#include <stdlib.h>

/* ---- the module ---- */

bool measure_module_load(struct measure_module *out, const char *stem, const char *ending)
{
    static const char *const names[] = {"measure_calls", "measure_differ", "measure_requests", NULL};
    return module_load(out, names, stem, ending);
}

/* ---- the clock ---- */

enum { READING_NS = 25 }; /* about what the real one takes */

static int64_t world_ns;

static void world_begin(void)
{
    world_ns = INT64_C(1000000000000); /* a machine that has been up for a while */
}

static int64_t read_clock_ns(void)
{
    return world_ns += READING_NS;
}

static void sleep_until_ns(int64_t at_ns)
{
    if (at_ns > world_ns)
        world_ns = at_ns;
}

static const struct measure_clock world_clock = {read_clock_ns, sleep_until_ns};

/* ---- calls ---- */

uint64_t rig_calls_made;
static int64_t first_call_ns;

uint64_t subject_call(const struct subject *subject, uint64_t n)
{
    if (rig_calls_made++ == 0)
        first_call_ns = world_ns;
    world_ns += subject->takes_ns(world_ns - first_call_ns);
    return n * UINT64_C(0x9e3779b97f4a7c15);
}

struct calls rig_calls(const struct measure_module *module, const struct calls_plan *plan)
{
    struct calls calls = {0};
    world_begin();
    rig_calls_made = 0;
    module_enter("measure_calls");
    module->calls(&world_clock, plan, &calls);
    module_leave();
    return calls;
}

/* ---- requests ---- */

struct sending {
    const struct service *service;
    struct sent sent;
    size_t room;
    int64_t first_ns;
};

static void send_request(void *closure, uint64_t n)
{
    struct sending *s = closure;
    if (s->sent.count == 0)
        s->first_ns = world_ns;
    int64_t from_ns = world_ns - s->first_ns, answered_ns = s->service->answers_ns(n, from_ns);
    if (s->sent.count < s->room) {
        s->sent.at_ns[s->sent.count] = from_ns;
        s->sent.answered_ns[s->sent.count] = answered_ns;
    }
    s->sent.count++;
    world_ns = s->first_ns + answered_ns;
}

struct latencies rig_requests(
    const struct measure_module *module, const struct service *service, struct sent *sent)
{
    struct latencies latencies = {0};
    struct sending sending = {.service = service, .room = service->warm_up + service->requests};
    struct requests_plan plan = {.rate = service->rate,
        .warm_up = service->warm_up,
        .requests = service->requests,
        .request = send_request,
        .closure = &sending};
    sending.sent.at_ns = calloc(sending.room, sizeof *sending.sent.at_ns);
    sending.sent.answered_ns = calloc(sending.room, sizeof *sending.sent.answered_ns);
    if (!sending.sent.at_ns || !sending.sent.answered_ns)
        abort();
    world_begin();
    module_enter("measure_requests");
    bool measured = module->requests(&world_clock, &plan, &latencies);
    module_leave();
    if (sent)
        *sent = sending.sent;
    else
        sent_fini(&sending.sent);
    if (!measured)
        verdict(false, "true, with memory to spare", "measure_requests returned false");
    return latencies;
}

void sent_fini(struct sent *sent)
{
    free(sent->at_ns);
    free(sent->answered_ns);
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

struct latencies service_truth(const struct service *service)
{
    size_t n = service->requests, total = service->warm_up + n;
    int64_t *latency_ns = calloc(n, sizeof *latency_ns), free_ns = 0;
    if (!latency_ns)
        abort();
    for (size_t i = 0; i < total; i++) {
        int64_t due_ns = (int64_t)((double)i * 1e9 / service->rate);
        free_ns = service->answers_ns(i, free_ns > due_ns ? free_ns : due_ns);
        if (i >= service->warm_up)
            latency_ns[i - service->warm_up] = free_ns - due_ns;
    }
    qsort(latency_ns, n, sizeof *latency_ns, by_size);
    struct latencies truth = {.requests = n,
        .p50_ns = latency_ns[(size_t)ceil((double)n * 0.50) - 1],
        .p95_ns = latency_ns[(size_t)ceil((double)n * 0.95) - 1],
        .p99_ns = latency_ns[(size_t)ceil((double)n * 0.99) - 1]};
    free(latency_ns);
    return truth;
}
