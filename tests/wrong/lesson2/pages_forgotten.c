/* fails: live_bytes_flat; also: everything_given_back */
/* The session is freed, and what it owns is not all of it: the names of its pages stay. */
#define FREE_SESSION(s) (free((s)->settings), free((s)->token), free(s))
#include "almost_session.h"
