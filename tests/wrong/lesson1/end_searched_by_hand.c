/* fails: work_done */
/* The same with a loop of its own: no function of libc is called, and all of it is flat time of the module.
 */
#include <stddef.h>
struct output;
static void walk_and_append(struct output *out, const char *piece);
#define FIRST_CAPACITY(text) (6 * strlen(text) + 1)
#define APPEND(out, piece, more) walk_and_append((out), (piece))
#include "almost.h"

static void walk_and_append(struct output *out, const char *piece)
{
    char *end = out->text;
    while (*end)
        end++;
    while ((*end++ = *piece++))
        ;
}
