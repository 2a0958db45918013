#ifndef LESSON8_DEBUG_LIMITS_H
#define LESSON8_DEBUG_LIMITS_H

/*
 * The limits of lesson 8's checks, all in one place. Those of seconds, hz and labels are in the contract,
 * demos/lesson8/debug_http.h.
 *
 * What profiling costs is samples: each has its stack walked, one to five microseconds. So the price is
 * counted as samples a second, of a server with this traffic:
 *
 *     heap     TRAFFIC_BYTES / heap_bytes
 *     mutex    TRAFFIC_UNLOCKS / mutex_fraction
 *     block    TRAFFIC_WAITS * TRAFFIC_WAIT_NS / block_ns, at most TRAFFIC_WAITS
 *     cpu      hz, of a profile that does not say, on the one core that is busy
 *
 * Ours takes 1,240. The flawed one takes 97,920, which is a fifth of a core.
 */
#define TRAFFIC_BYTES (20 * 1024 * 1024)
#define TRAFFIC_UNLOCKS 10000
#define TRAFFIC_WAITS 5000
#define TRAFFIC_WAIT_NS 2000
#define SAMPLES_A_SECOND_MAX 4000

/* With less than this a profile of a minute shows nothing. Of the heap: one sample in so many bytes. */
#define HZ_MIN 10
#define HEAP_BYTES_MAX (64 * 1024 * 1024)
#define MUTEX_FRACTION_MAX 10000
#define BLOCK_NS_MAX 100000000

/* So many codes are labelled. */
#define LABELLED 10000

/* Seconds after which a case is ended that gave no answer: a watchdog only. */
#define WATCHDOG_S 60

#endif
