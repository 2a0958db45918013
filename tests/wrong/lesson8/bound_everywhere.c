/* fails: only_this_machine */
/* The address is judged, and another one bound. */
#define BOUND(a) (((struct sockaddr_in *)(void *)(a))->sin_addr.s_addr = 0, (a))
#include "almost.h"
