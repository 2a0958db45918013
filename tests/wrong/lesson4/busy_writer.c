/* fails: sleeps_while_waiting; also: waiting_against_flawed */
/* The writer looks again and again whether there is a line. */
#define WHEN_EMPTY (pthread_mutex_unlock(&ring.lock), pthread_mutex_lock(&ring.lock))
#include "queued.h"
