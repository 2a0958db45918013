/* fails: work_after_a_change */
/* The tile with the fewest uses is given up; and since uses are never forgotten, that is always the newcomer. */
#define USED(s, k) ((void)0)
#define VICTIM(s) fewest_uses(s)
struct tile_store;
static struct kept *fewest_uses(struct tile_store *s);
#include "almost_store.h"
static struct kept *fewest_uses(struct tile_store *s)
{
    struct kept *fewest = s->newest;
    for (struct kept *k = s->newest; k; k = k->older)
        if (k->uses < fewest->uses)
            fewest = k;
    return fewest;
}
