/* fails: append_outside_lock; also: waiting_against_flawed */
/* The lock of the figures is free, but those who are refused now wait for each other at a lock of the log. */
#define WRITE(stats, line, len) write_alone((stats)->config.append, (stats)->config.log, (line), (len))
#include <pthread.h>
#include <stddef.h>
static void write_alone(
    void (*append)(void *log, const char *line, size_t len), void *log, const char *line, size_t len)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&lock);
    append(log, line, len);
    pthread_mutex_unlock(&lock);
}
#include "almost.h"
