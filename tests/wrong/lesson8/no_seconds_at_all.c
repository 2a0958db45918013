/* fails: still_of_use */
/* Nothing lasts too long where nothing may last. */
#define SECONDS_RIGHT(name, seconds) ((void)(name), (seconds) == 0)
#include "almost.h"
