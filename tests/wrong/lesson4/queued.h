/*
 * Right statistics whose lines are written by a thread of their own, from a ring with room for so many; with
 * seams, as almost.h, to which it adds. tests/right/lesson4/writer_thread.c defines none of them.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#ifndef ROOM /* lines */
#define ROOM 128
#endif
#ifndef WRITERS
#define WRITERS 1
#endif
#ifndef WHEN_FULL /* with the ring's lock */
#define WHEN_FULL pthread_cond_wait(&ring.changed, &ring.lock)
#endif
#ifndef WHEN_EMPTY
#define WHEN_EMPTY pthread_cond_wait(&ring.changed, &ring.lock)
#endif
#ifndef LEFT_AT_CLOSE /* lines that are still written once the statistics are being freed */
#define LEFT_AT_CLOSE (ring.in - ring.out)
#endif

#define WRITE(stats, line, len) ring_put((line), (len))
#define OPEN(stats) ring_open(&(stats)->config)
#define CLOSE(stats) ring_close()

struct stats_config;
static void ring_put(const char *line, size_t len);
static void ring_open(const struct stats_config *config);
static void ring_close(void);
#include "almost.h"

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t writers[WRITERS];
    const struct stats_config *config;
    size_t in, out; /* lines put in and taken out, ever */
    bool closing;
    struct line {
        size_t len;
        char text[STATS_CLIENT_MAX + 40];
    } lines[ROOM];
} ring = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void ring_put(const char *line, size_t len)
{
    pthread_mutex_lock(&ring.lock);
    while (ring.in - ring.out == ROOM)
        WHEN_FULL;
    struct line *l = &ring.lines[ring.in++ % ROOM];
    l->len = len;
    memcpy(l->text, line, len);
    pthread_cond_broadcast(&ring.changed);
    pthread_mutex_unlock(&ring.lock);
}

static void *ring_write(void *argument)
{
    (void)argument;
    pthread_mutex_lock(&ring.lock);
    for (;;) {
        while (ring.in == ring.out && !ring.closing)
            WHEN_EMPTY;
        if (ring.closing && LEFT_AT_CLOSE == 0)
            break;
        struct line line = ring.lines[ring.out++ % ROOM];
        pthread_cond_broadcast(&ring.changed);
        pthread_mutex_unlock(&ring.lock);
        ring.config->append(ring.config->log, line.text, line.len);
        pthread_mutex_lock(&ring.lock);
    }
    pthread_mutex_unlock(&ring.lock);
    return NULL;
}

static void ring_open(const struct stats_config *config)
{
    ring.config = config;
    ring.closing = false;
    ring.in = ring.out = 0;
    for (int i = 0; i < WRITERS; i++)
        if (pthread_create(&ring.writers[i], NULL, ring_write, NULL) != 0)
            abort();
}

static void ring_close(void)
{
    pthread_mutex_lock(&ring.lock);
    ring.closing = true;
    pthread_cond_broadcast(&ring.changed);
    pthread_mutex_unlock(&ring.lock);
    for (int i = 0; i < WRITERS; i++)
        pthread_join(ring.writers[i], NULL);
}
