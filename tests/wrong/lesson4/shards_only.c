/* fails: append_outside_lock; also: waiting_against_flawed */
/* Sixteen locks for one, and the line is written under one of them as before. */
#define SHARDS 16
#define WRITE_INSIDE(stats, line, len) ((stats)->config.append((stats)->config.log, (line), (len)))
#define WRITE(stats, line, len) ((void)(line), (void)(len))
#include "almost.h"
