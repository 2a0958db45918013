#ifndef CAPTURE_THREADLABELS_H
#define CAPTURE_THREADLABELS_H

#include "capture/labelset.h"

/*
 * The labels of the calling thread, in its record: see cprof.h, whose functions these are. They work whether
 * capture is on or not; the first one makes the records if there are none yet. ERR_LIMIT, counted as a lost
 * label, also when the thread has no record to be labelled: beyond THREAD_MAX, or in its last destructors.
 */
int threadlabels_set(const char *key, const char *value);
int threadlabels_unset(const char *key);
void threadlabels_clear(void);
const struct label_set *threadlabels_get(void);

/* ERR_INVALID when it is none of labelset.h's; then nothing changes. */
int threadlabels_put(const struct label_set *set);

#endif
