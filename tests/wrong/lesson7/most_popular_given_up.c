/* fails: work_after_a_change; also: work_on_trace */
/* The sign is wrong: the tile with the most uses is given up, which will be asked for again at once. */
#define USED(s, k) ((void)0)
#define VICTIM(s) most_uses(s)
struct tile_store;
static struct kept *most_uses(struct tile_store *s);
#include "almost_store.h"
static struct kept *most_uses(struct tile_store *s)
{
    struct kept *most = s->newest;
    for (struct kept *k = s->newest; k; k = k->older)
        if (k->uses > most->uses)
            most = k;
    return most;
}
