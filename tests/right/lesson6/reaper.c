/* Another design that is right: victims are given back by a thread that does nothing else. */
#include <pthread.h>
#include <stdlib.h>

struct cache;
static void reaper_open(struct cache *c);
static void reaper_close(struct cache *c);
static void reaper_take(struct cache *c, void *value);
#define OPEN(c) reaper_open(c)
#define CLOSE(c) reaper_close(c)
#define RELEASE_VICTIM(c, value) reaper_take((c), (value))
#include "../../wrong/lesson6/almost.h"

struct corpse {
    struct corpse *next;
    void *value;
};

/* One for the process: the checks open one cache of a module at a time. */
static struct {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct corpse *corpses;
    bool closing;
} reaper;

static void *reaper_run(void *argument)
{
    struct cache *c = argument;
    pthread_mutex_lock(&reaper.lock);
    while (reaper.corpses || !reaper.closing) {
        struct corpse *corpse = reaper.corpses;
        if (!corpse) {
            pthread_cond_wait(&reaper.changed, &reaper.lock);
            continue;
        }
        reaper.corpses = corpse->next;
        pthread_mutex_unlock(&reaper.lock);
        c->config.release(corpse->value);
        free(corpse);
        pthread_mutex_lock(&reaper.lock);
    }
    pthread_mutex_unlock(&reaper.lock);
    return NULL;
}

static void reaper_open(struct cache *c)
{
    pthread_mutex_init(&reaper.lock, NULL);
    pthread_cond_init(&reaper.changed, NULL);
    reaper.corpses = NULL;
    reaper.closing = false;
    pthread_create(&reaper.thread, NULL, reaper_run, c);
}

static void reaper_close(struct cache *c)
{
    (void)c;
    pthread_mutex_lock(&reaper.lock);
    reaper.closing = true;
    pthread_cond_signal(&reaper.changed);
    pthread_mutex_unlock(&reaper.lock);
    pthread_join(reaper.thread, NULL);
}

static void reaper_take(struct cache *c, void *value)
{
    (void)c;
    struct corpse *corpse = malloc(sizeof *corpse);
    corpse->value = value;
    pthread_mutex_lock(&reaper.lock);
    corpse->next = reaper.corpses;
    reaper.corpses = corpse;
    pthread_cond_signal(&reaper.changed);
    pthread_mutex_unlock(&reaper.lock);
}
