/* Right, and another design: a thread of its own writes the lines, from a ring in which 128 have room. */
#include "../../wrong/lesson4/queued.h"
