/* fails: bound_after_every_operation; also: books_balance release_outside_lock totals_under_threads */
/* Victims leave the table but their values are never given back. */
#define RELEASE_VICTIM(c, value) ((void)(c), (void)(value))
#include "almost.h"
