/* fails: wakeups_per_job */
/* Every signal is for everybody. */
#include "over_the_reference.h"
#define pthread_cond_signal(cond) pthread_cond_broadcast(cond)
#include "../../../solutions/lesson9/incident.c"
