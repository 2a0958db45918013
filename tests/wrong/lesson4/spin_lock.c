/* fails: sleeps_while_waiting; also: append_outside_lock waiting_against_flawed pending_lines_bounded */
/* No contention in any profile: who waits spins. The line is written under the lock as before. */
#define LOCK(s) \
    do {        \
    } while (atomic_flag_test_and_set(&taken))
#define UNLOCK(s) atomic_flag_clear(&taken)
#define WRITE_INSIDE(stats, line, len) ((stats)->config.append((stats)->config.log, (line), (len)))
#define WRITE(stats, line, len) ((void)(line), (void)(len))
#include <stdatomic.h>
static atomic_flag taken = ATOMIC_FLAG_INIT;
#include "almost.h"
