/* fails: release_outside_lock */
/* The right victim, found at once, but given back while the lock is held. */
#define RELEASE_INSIDE 1
#include "almost.h"
