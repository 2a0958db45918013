/* fails: only_this_machine */
/* A path is on this machine, but not for its user alone. */
#define PATH_MODE 0666
#include "almost.h"
