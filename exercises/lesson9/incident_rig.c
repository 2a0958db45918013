/* The rig around a module under test; see incident_rig.h. */
#include "incident_rig.h"

#include "module.h"
#include "trial.h"
#include "verdict.h"

#include "base/hash.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

bool incident_module_load(struct incident_module *out, const char *stem, const char *ending)
{
    static const char *const NAMES[] = {
        "incident_new", "incident_free", "incident_handle", "incident_refresh", "incident_stats", NULL};
    return module_load(out, NAMES, stem, ending);
}

/* ---- partners ---- */

struct rig_hooks rig_hooks;
atomic_uint_fast64_t rig_archived;

uint32_t rig_score(const char *client, const char *text)
{
    return (uint32_t)(hash_bytes(client, strlen(client)) % 1000 + hash_bytes(text, strlen(text)) % 1000);
}

static uint32_t examine(void *closure, const char *client, const char *text)
{
    (void)closure;
    if (rig_hooks.examine)
        rig_hooks.examine(client);
    return rig_score(client, text);
}

static void confirm(void *closure, uint64_t number, const char *client)
{
    (void)closure, (void)client;
    if (rig_hooks.confirm)
        rig_hooks.confirm(number);
}

static uint32_t quote(void *closure, const char *client, uint32_t base)
{
    (void)closure;
    if (rig_hooks.quote)
        rig_hooks.quote(client);
    return base + (uint32_t)(hash_bytes(client, strlen(client)) % 100);
}

static void archive(void *closure, const char *line)
{
    (void)closure;
    if (rig_hooks.archive)
        rig_hooks.archive(line);
    atomic_fetch_add(&rig_archived, 1);
}

/* ---- the module ---- */

static const struct incident_module *under_test;
static struct incident *incident;

void rig_open(const struct incident_module *module, size_t workers)
{
    const struct incident_config config = {
        .workers = workers, .examine = examine, .confirm = confirm, .quote = quote, .archive = archive};
    rig_hooks = (struct rig_hooks){0};
    atomic_store(&rig_archived, 0);
    under_test = module;
    module_enter("incident_new");
    incident = module->create(&config);
    module_leave();
    if (!incident)
        verdict(false, "an incident", "incident_new returned NULL, with memory and threads to spare");
}

void rig_close(void)
{
    module_enter("incident_free");
    under_test->destroy(incident);
    module_leave();
}

char *rig_handle(const char *client, const char *text)
{
    module_enter("incident_handle");
    char *answer = under_test->handle(incident, client, text);
    module_leave();
    if (!answer)
        verdict(false, "an answer, with memory to spare", "incident_handle returned NULL for %s", client);
    return answer;
}

void rig_job(int client, const char *text)
{
    char name[32];
    snprintf(name, sizeof name, "c%d", client);
    free(rig_handle(name, text));
}

void rig_refresh(uint32_t base)
{
    module_enter("incident_refresh");
    under_test->refresh(incident, base);
    module_leave();
}

struct incident_figures rig_stats(void)
{
    struct incident_figures figures;
    module_enter("incident_stats");
    under_test->stats(incident, &figures);
    module_leave();
    return figures;
}

/* ---- waiting ---- */

void rig_nap_ms(int ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L}, NULL);
}

/* Whether the thread of that number runs, or could: by the letter after its name in /proc. */
static bool is_running(long tid)
{
    char path[64], line[512] = "";
    snprintf(path, sizeof path, "/proc/self/task/%ld/stat", tid);
    FILE *f = fopen(path, "r");
    if (!f)
        return false;
    bool read = fgets(line, sizeof line, f) != NULL;
    fclose(f);
    const char *after = read ? strrchr(line, ')') : NULL;
    return after && after[1] == ' ' && after[2] == 'R';
}

static int count_running(void)
{
    int running = 0;
    long me = syscall(SYS_gettid);
    DIR *tasks = opendir("/proc/self/task");
    struct dirent *task;
    while (tasks && (task = readdir(tasks))) {
        long tid = strtol(task->d_name, NULL, 10);
        running += tid > 0 && tid != me && is_running(tid);
    }
    if (tasks)
        closedir(tasks);
    return running;
}

void rig_rest(int restless)
{
    for (int tries = 0; tries < 60 && count_running() > restless; tries++)
        rig_nap_ms(1);
}

int rig_restless(void)
{
    int least = 1000;
    for (int i = 0; i < 20 && least > 0; i++) {
        int running = count_running();
        least = running < least ? running : least;
        rig_nap_ms(2);
    }
    return least;
}

/* ---- texts ---- */

char *rig_text(size_t n, size_t different, uint32_t seed)
{
    uint32_t random = seed * 2654435761u + 1;
    char *text = malloc(n * 8 + 1), *at = text;
    if (!text)
        abort();
    for (size_t i = 0; i < n; i++) {
        size_t which = i < different ? i : trial_random(&random) % different;
        at += sprintf(at, "%sw%06u", i ? " " : "", (unsigned)(which * 7919 % 1000000));
    }
    *at = '\0';
    return text;
}
