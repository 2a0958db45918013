/* Right, and another policy: the tile with the fewest uses goes, and all uses are halved now and then. */
#define USED(s, k) ((void)0)
#define VICTIM(s) fewest_uses(s)
struct tile_store;
static struct kept *fewest_uses(struct tile_store *s);
#include "../../wrong/lesson7/almost_store.h"
static struct kept *fewest_uses(struct tile_store *s)
{
    bool halve = s->figures.rendered % 64 == 0;
    struct kept *fewest = s->oldest;
    for (struct kept *k = s->oldest; k; k = k->newer) {
        k->uses /= halve ? 2 : 1;
        if (k->uses < fewest->uses)
            fewest = k;
    }
    return fewest;
}
