#ifndef CAPTURE_CAPTURE_H
#define CAPTURE_CAPTURE_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Switching capture on and off as a whole. Before capture_start the wrappers only pass calls through.
 */
struct capture_config {
    int mutex_fraction;
    int64_t block_rate_ns;
    int64_t heap_rate_bytes;
};

/* Builds the unwind tables, finds the threads that exist, starts the heap profiler. Idempotent per
 * capture_stop. On failure nothing is on and *error says why. */
int capture_start(const struct capture_config *config, struct error *error);
void capture_stop(void);

/* So much of it as labels need before capture_start: threads have records, and forks are noticed. Cheap when
 * it was done before. 0 or ERR_NOMEM. */
int capture_know_threads(void);

/* Brings the unwind tables up to date with the loaded objects. Costs a microsecond when nothing changed; to
 * be called about once a second, by a thread of the profiler's, while a CPU session runs. */
void capture_refresh(void);

/* Marks the calling thread as one of the profiler's own: not sampled, not charged, flagged in dumps. */
void capture_exclude_thread(void);

/* For what the library does on a thread of the program's: from begin to end, what it allocates and how long
 * it waits is not recorded. They may nest. */
struct capture_quiet {
    bool sampled;
    uintptr_t busy;
};
void capture_quiet_begin(struct capture_quiet *q);
void capture_quiet_end(const struct capture_quiet *q);

#endif
