/* fails: bytes_copied; also: work_done */
/* strlen is gone from the profile, and each piece still gets a new block with a copy of all that was there.
 */
#include <stddef.h>
static char *moved(char *text, size_t len, size_t cap);
#define CAPACITY(cap, needed) (needed)
#define GROW(text, len, cap) moved((text), (len), (cap))
#include "almost.h"

static char *moved(char *text, size_t len, size_t cap)
{
    char *larger = malloc(cap);
    memcpy(larger, text, len);
    free(text);
    return larger;
}
