/* fails: live_bytes_flat; also: everything_given_back */
/* Everything but the largest part. */
#define FREE_SESSION(s) ((s)->settings = NULL, session_free(s))
#include "almost_session.h"
