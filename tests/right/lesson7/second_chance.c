/* Right, and another policy: the oldest goes, unless it was asked for since; then it is young again. */
#define USED(s, k) ((void)0)
#define VICTIM(s) oldest_unused(s)
struct tile_store;
static struct kept *oldest_unused(struct tile_store *s);
#include "../../wrong/lesson7/almost_store.h"
static struct kept *oldest_unused(struct tile_store *s)
{
    for (struct kept *k = s->oldest; k->uses > 1; k = s->oldest) {
        k->uses = 1;
        list_remove(k);
        list_add(s, k);
    }
    return s->oldest;
}
