/* fails: bytes_copied; also: work_done */
/* Room for 32 bytes more at a time: a thirty-second of the copying, which still grows with the square. */
#include <stddef.h>
static char *moved(char *text, size_t len, size_t cap);
#define CAPACITY(cap, needed) ((needed) + 32)
#define GROW(text, len, cap) moved((text), (len), (cap))
#include "almost.h"

static char *moved(char *text, size_t len, size_t cap)
{
    char *larger = malloc(cap);
    memcpy(larger, text, len);
    free(text);
    return larger;
}
