/* fails: memory_flat */
/* Nothing is given back. */
#include "over_the_reference.h"
#undef free
#define free(block) ((void)(block))
#include "../../../solutions/lesson9/incident.c"
