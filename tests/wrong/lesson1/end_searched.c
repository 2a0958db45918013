/* fails: bytes_copied; also: work_done */
/* Room for the worst case at once, so that nothing is ever moved; but strcat looks for the end each time. */
#define FIRST_CAPACITY(text) (6 * strlen(text) + 1)
#define APPEND(out, piece, more) strcat((out)->text, (piece))
#include "almost.h"
