#ifndef CAPTURE_WALL_H
#define CAPTURE_WALL_H

#include "capture/snapshot.h"

/*
 * Where the time of every thread goes, whether it runs or waits: the wall clock's profile. The profiler's own
 * threads are left out. values: samples, wall ns.
 *
 * Whoever has a session takes its samples, at the moments that it is told, and each says for every thread
 * where it is; the time since the sample before goes there. So the time of a thread adds up to how long it
 * lived in the session, however far apart the samples are, and their rate is what one can afford: at most
 * WALL_BUDGET_PERCENT of a processor for all sessions together.
 */
struct wall_session;

enum { WALL_DEFAULT_HZ = 99, WALL_MAX_HZ = 1000, WALL_BUDGET_PERCENT = 5 };

/* Begins and looks at all threads for the first time. hz is 1..WALL_MAX_HZ. ERR_INVALID, ERR_NOMEM. */
int wall_session_start(int hz, struct wall_session **session);

/* Takes a sample. In how many ns the next one is due. By one thread of the profiler's at a time. */
int64_t wall_session_sample(struct wall_session *session);

/* Takes the last sample, gives what was seen in *out (the caller's to snapshot_fini) and frees the session,
 * also when it fails. out may be NULL: it is thrown away. */
int wall_session_stop(struct wall_session *session, struct snapshot *out);

void wall_after_fork(void);

#endif
