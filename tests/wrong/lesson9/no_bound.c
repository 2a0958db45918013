/* fails: pending_bounded */
/* So many lines may wait that it is as good as any number. */
#include "over_the_reference.h"
#define INCIDENT_PENDING_MAX 1000000
#include "../../../solutions/lesson9/incident.c"
