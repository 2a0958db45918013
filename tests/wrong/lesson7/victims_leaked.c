/* fails: everything_given_back; also: peak_bytes_on_trace within_any_budget right_under_threads */
/* What is given up is forgotten, and not freed. */
#define DISCARD(k) ((void)(k))
#include "almost_store.h"
